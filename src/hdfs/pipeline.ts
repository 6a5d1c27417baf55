import type { Clock } from '../core/clock.ts';
import { ConnectionError, FormatError } from '../core/errors.ts';
import type { Checksums } from './checksums.ts';
import type { Block } from './common-messages.ts';
import type { HdfsConfig } from './config.ts';
import { startTransfer, type Target, type Transfer } from './datanodes.ts';
import {
  type Ack,
  decodeAck,
  heartbeatSeqno,
  type Packet,
  packetOf,
  transferStatus,
} from './packets.ts';
import { writeBlock } from './transfer-protocol.ts';

const maxAckBytes = 4 << 10;
/** How much longer an answer may take for each DataNode of a pipeline; as in Hadoop. */
const perNodeMs = 5_000;

/** A pipeline is broken, or could not be made. */
export class PipelineError extends ConnectionError {
  /** Which DataNode is to blame; undefined when none is: its token had expired. */
  readonly badIndex: number | undefined;
  /** It said that it will be back soon. */
  readonly restarting: boolean;

  constructor(message: string, badIndex: number | undefined, restarting = false, cause?: unknown) {
    super(message, { cause });
    this.badIndex = badIndex;
    this.restarting = restarting;
  }
}

export interface PipelineSetup {
  readonly config: HdfsConfig;
  readonly clock: Clock;
  readonly clientName: string;
  readonly checksums: Checksums;
  /** With the old generation stamp, and the block size of the file as its length. */
  readonly block: Block;
  readonly token: Buffer;
  readonly targets: readonly [Target, ...Target[]];
  readonly stage: number;
  readonly acked: number;
  readonly sent: number;
  readonly latestGenerationStamp: number;
}

export interface PipelineEvents {
  /** The oldest packet that was not acknowledged yet is on all DataNodes. */
  acked(seqno: number): void;
  /** Nothing more will be acknowledged. Told once. */
  broken(error: PipelineError): void;
}

/**
 * The connection through which a block is written: to the first DataNode, which passes everything
 * on to the next one, and so on. It ends with the block, or when anything goes wrong.
 */
export class Pipeline {
  readonly #setup: PipelineSetup;
  readonly #transfer: Transfer;
  readonly #events: PipelineEvents;
  readonly #closed = new AbortController();
  /** Packets, heartbeats too, that were sent and not acknowledged. */
  #outstanding = 0;
  /** Since when something has been outstanding without an ack. */
  #waitingSince = 0;
  #lastSent: number;

  private constructor(setup: PipelineSetup, transfer: Transfer, events: PipelineEvents) {
    this.#setup = setup;
    this.#transfer = transfer;
    this.#events = events;
    this.#lastSent = setup.clock.monotonic();
    void this.#readAcks();
    void this.#keepAlive();
  }

  /** @throws PipelineError */
  static async open(setup: PipelineSetup, events: PipelineEvents): Promise<Pipeline> {
    const { config, clock, targets } = setup;
    const [{ datanode: first }] = targets;
    const answerMs = config.socketTimeoutMs + perNodeMs * targets.length;
    let transfer: Transfer;
    try {
      const limits = { config, clock, answerMs };
      transfer = await startTransfer(first, writeBlock, requestOf(setup), limits);
    } catch (error) {
      throw new PipelineError(`${first.name}: no pipeline`, 0, false, error);
    }
    const { status, firstBadLink = '', message = '' } = transfer.answer;
    if (status === transferStatus.success) return new Pipeline(setup, transfer, events);
    transfer.socket.destroy();
    const bad = targets.findIndex(({ datanode }) => datanode.name === firstBadLink);
    const badIndex = status === transferStatus.errorAccessToken ? undefined : Math.max(0, bad);
    throw new PipelineError(
      `${first.name} made no pipeline: status ${status} ${firstBadLink} ${message}`.trim(),
      badIndex,
      status === transferStatus.restart,
    );
  }

  send(packet: Packet): void {
    const { socket } = this.#transfer;
    const now = this.#setup.clock.monotonic();
    if (this.#outstanding++ === 0) this.#waitingSince = now;
    this.#lastSent = now;
    // In one call of the kernel, without joining the parts.
    socket.cork();
    socket.write(packet.head);
    for (const view of packet.views) socket.write(view);
    socket.uncork();
  }

  /** Nothing is told any more. */
  close(): void {
    this.#closed.abort();
    this.#transfer.socket.destroy();
  }

  async #readAcks(): Promise<void> {
    try {
      while (!this.#closed.signal.aborted) {
        this.#acknowledged(decodeAck(await this.#transfer.reader.delimited(maxAckBytes)));
      }
    } catch (error) {
      const [{ datanode }] = this.#setup.targets;
      const what = error instanceof FormatError ? 'sent what is no ack' : 'is lost';
      this.#break(new PipelineError(`${datanode.name} ${what}`, 0, false, error));
    }
  }

  #acknowledged(ack: Ack): void {
    // The last one: those before it only tell that somebody behind them failed.
    const badIndex = ack.statuses.findLastIndex((status) => status !== transferStatus.success);
    if (badIndex >= 0) {
      const status = ack.statuses[badIndex];
      const name = this.#setup.targets[badIndex]?.datanode.name ?? 'a DataNode';
      const restarting = status === transferStatus.restart;
      this.#break(new PipelineError(`${name} answered ${status}`, badIndex, restarting));
      return;
    }
    this.#outstanding--;
    this.#waitingSince = this.#setup.clock.monotonic();
    if (ack.seqno !== heartbeatSeqno && !this.#closed.signal.aborted) this.#events.acked(ack.seqno);
  }

  /** DataNodes drop a pipeline that is silent for long; so does this end. */
  async #keepAlive(): Promise<void> {
    const { clock, config, targets, checksums } = this.#setup;
    const { signal } = this.#closed;
    const heartbeatMs = config.socketTimeoutMs / 2;
    const limitMs = config.socketTimeoutMs + perNodeMs * targets.length;
    const heartbeat = packetOf({ offset: 0, seqno: heartbeatSeqno }, checksums);
    const isLate = () => this.#outstanding > 0 && clock.monotonic() - this.#waitingSince >= limitMs;
    while (!signal.aborted) {
      await clock.sleep(heartbeatMs / 4, signal);
      // After a pause of this process acks may be there, only not read yet.
      if (isLate()) await clock.turn();
      if (signal.aborted) return;
      if (isLate()) {
        const [{ datanode }] = targets;
        this.#break(new PipelineError(`${datanode.name}: no ack within ${limitMs} ms`, 0));
      } else if (clock.monotonic() - this.#lastSent >= heartbeatMs) {
        this.send(heartbeat);
      }
    }
  }

  #break(error: PipelineError): void {
    if (this.#closed.signal.aborted) return;
    this.close();
    this.#events.broken(error);
  }
}

function requestOf(setup: PipelineSetup): Parameters<typeof writeBlock.request.encode>[0] {
  const { targets, checksums } = setup;
  const [first, ...others] = targets;
  return {
    header: {
      baseHeader: { block: setup.block, token: setup.token },
      clientName: setup.clientName,
    },
    targets: others.map(({ datanode }) => datanode.info),
    stage: setup.stage,
    pipelineSize: targets.length,
    minBytesRcvd: setup.acked,
    maxBytesRcvd: setup.sent,
    latestGenerationStamp: setup.latestGenerationStamp,
    requestedChecksum: { type: checksums.type, bytesPerChecksum: checksums.bytesPerChecksum },
    cachingStrategy: {},
    storageType: first.storageType,
    targetStorageTypes: others.map(({ storageType }) => storageType),
    allowLazyPersist: false,
    pinning: false,
    storageId: first.storageId,
    targetStorageIds: others.map(({ storageId }) => storageId),
  };
}
