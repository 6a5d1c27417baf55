import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import type { Disk } from '../../core/disk.ts';
import { ChannelError } from '../../core/errors.ts';
import type { StateSnapshot } from './state.ts';

/*
 * Snapshots of the state, so that replay need not read all of the log: `snapshot.<n>` in the
 * checkpoint directory, the two newest. Each is written and synced under another name, renamed, and
 * the directory synced, before an older one goes. A segment is given up only when both that are
 * kept have no need of it: so when the newest can't be read, the one before it serves.
 *
 * One line: CRC-32 of the JSON as 8 hex digits, a blank, the JSON.
 */
const formatVersion = 1;
const kept = 2;

export interface Snapshot {
  readonly format: 'millrace-snapshot';
  readonly version: number;
  /** Replay begins here: behind the record `record`, which is the last one that the state has. */
  readonly segment: number;
  readonly offset: number;
  readonly record: number;
  readonly state: StateSnapshot;
}

export class Snapshots {
  readonly #directory: string;
  readonly #disk: Disk;
  /** Numbers of those that are there, and the segment at which each begins, rising. */
  #present: { readonly number: number; readonly segment: number }[] = [];

  constructor(directory: string, disk: Disk) {
    this.#directory = directory;
    this.#disk = disk;
  }

  /**
   * The newest one that can be read; `undefined` when there is none at all.
   * @throws ChannelError when there are some and none can be read, or one of a newer version
   */
  async newest(): Promise<{ snapshot: Snapshot | undefined; unreadable: readonly string[] }> {
    await this.#disk.makeDirectory(this.#directory);
    const names = await this.#disk.readDirectory(this.#directory);
    const numbers = names.flatMap((name) => /^snapshot\.(\d+)$/.exec(name)?.[1] ?? []).map(Number);
    numbers.sort((a, b) => a - b);
    this.#present = [];
    const unreadable: string[] = [];
    let snapshot: Snapshot | undefined;
    for (const number of numbers) {
      const path = this.#path(number);
      const read = decode(await this.#disk.readFile(path), path);
      if (read) snapshot = read;
      else unreadable.push(path);
      this.#present.push({ number, segment: read?.segment ?? 0 });
    }
    if (!snapshot && unreadable.length > 0) {
      throw new ChannelError(`no snapshot can be read: ${unreadable.join(', ')}`);
    }
    return { snapshot, unreadable };
  }

  /** @throws ChannelError when it can't be written: what is there stays as it was */
  async write(snapshot: Omit<Snapshot, 'format' | 'version'>): Promise<void> {
    const number = (this.#present.at(-1)?.number ?? 0) + 1;
    const path = this.#path(number);
    try {
      await this.#write(path, snapshot);
    } catch (cause) {
      throw new ChannelError(`write ${path}`, { cause });
    }
    this.#present.push({ number, segment: snapshot.segment });
    while (this.#present.length > kept) {
      const oldest = this.#present.shift();
      if (oldest) await this.#disk.unlink(this.#path(oldest.number));
    }
  }

  async #write(path: string, snapshot: Omit<Snapshot, 'format' | 'version'>): Promise<void> {
    const head = { format: 'millrace-snapshot', version: formatVersion } as const;
    const json = Buffer.from(JSON.stringify({ ...head, ...snapshot }));
    const file = await this.#disk.open(`${path}.tmp`, 'w');
    try {
      await file.write([Buffer.from(`${checksum(json)} `), json, Buffer.from('\n')], 0);
      await file.sync();
    } finally {
      await file.close();
    }
    await this.#disk.rename(`${path}.tmp`, path);
    await this.#disk.syncDirectory(this.#directory);
  }

  /** Replay from any snapshot that is kept begins in this segment or later; 0: from any. */
  get oldestSegment(): number {
    return this.#present.length < kept ? 0 : (this.#present[0]?.segment ?? 0);
  }

  #path(number: number): string {
    return join(this.#directory, `snapshot.${number}`);
  }
}

function decode(bytes: Buffer, path: string): Snapshot | undefined {
  const json = bytes.subarray(9, bytes.length - 1);
  if (bytes.toString('latin1', 0, 9) !== `${checksum(json)} `) return undefined;
  const snapshot = JSON.parse(json.toString()) as Snapshot;
  if (snapshot.version !== formatVersion) {
    throw new ChannelError(
      `${path} has format version ${snapshot.version}, and this program reads ${formatVersion}: ` +
        'go back to the newer program, and drain the channel with it first',
    );
  }
  return snapshot;
}

function checksum(json: Buffer): string {
  return crc32(json).toString(16).padStart(8, '0');
}
