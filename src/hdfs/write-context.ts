import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/log.ts';
import type { Checksums } from './checksums.ts';
import type { HdfsConfig } from './config.ts';
import type { Datanode } from './datanodes.ts';
import type { NameNodes } from './namenodes.ts';

/** What the writers of a file's blocks have in common. */
export interface WriteContext {
  readonly config: HdfsConfig;
  readonly clock: Clock;
  readonly nameNodes: NameNodes;
  readonly log: Logger;
  readonly clientName: string;
  readonly path: string;
  readonly fileId: number;
  readonly replication: number;
  readonly blockSize: number;
  readonly checksums: Checksums;
  /** Aborts when the file is given up. */
  readonly signal: AbortSignal;
  /** DataNodes that failed lately; shared by the blocks of a file. */
  readonly excluded: ExcludedNodes;
}

/** How long a DataNode that could not be reached gets no new block of the file; as in Hadoop. */
const excludedMs = 600_000;

/** DataNodes that a new block had better not be placed on. */
export class ExcludedNodes {
  readonly #clock: Clock;
  readonly #until = new Map<string, { readonly datanode: Datanode; readonly time: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(datanode: Datanode): void {
    const time = this.#clock.monotonic() + excludedMs;
    this.#until.set(datanode.id.datanodeUuid, { datanode, time });
  }

  list(): Datanode[] {
    const now = this.#clock.monotonic();
    for (const [uuid, { time }] of this.#until) if (time <= now) this.#until.delete(uuid);
    return [...this.#until.values()].map(({ datanode }) => datanode);
  }
}
