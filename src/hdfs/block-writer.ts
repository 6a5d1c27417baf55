import { ConnectionError } from '../core/errors.ts';
import {
  abandonBlock,
  addBlock,
  updateBlockForPipeline,
  updatePipeline,
} from './client-protocol.ts';
import type { Block, LocatedBlock } from './common-messages.ts';
import { type Datanode, type Target, targetsOf } from './datanodes.ts';
import { isRemote, UnsupportedError } from './errors.ts';
import { type Packet, packetOf } from './packets.ts';
import { Pipeline, PipelineError, type PipelineSetup } from './pipeline.ts';
import { replaceDatanode } from './replacement.ts';
import { stages } from './transfer-protocol.ts';
import type { WriteContext } from './write-context.ts';

/**
 * The only DataNode that is left is tried again for so long, unlike in Hadoop: it may have closed
 * the connection because this process was stopped for a while.
 */
const lastNodeMs = 5_000;
const lastNodePollMs = 1_000;

interface Waiter {
  ready(): boolean;
  resolve(): void;
  reject(error: Error): void;
}

interface BlockState {
  readonly located: LocatedBlock;
  readonly targets: readonly Target[];
  readonly acked: number;
  /** The stage in which a pipeline is set up again while nothing has been sent. */
  readonly append: boolean;
}

/**
 * Writes one block: packets go out, stay in a window until they are acknowledged, and are sent
 * again through a new pipeline when the old one breaks. Source: Hadoop 3.4.1, `DataStreamer`.
 *
 * Recovery: without the DataNode that failed, perhaps with another one in its place, the block gets
 * a new generation stamp, so that what a lost DataNode still has is never taken for the block. Each
 * DataNode cuts its replica to what was acknowledged; then the NameNode learns of the new pipeline,
 * and the window is sent again.
 */
export class BlockWriter {
  readonly #context: WriteContext;
  readonly #append: boolean;
  #block: Block;
  #token: Buffer;
  #targets: readonly Target[];
  #failed: Datanode[] = [];
  #window: Packet[] = [];
  #acked: number;
  #ackedSeqno = -1;
  #sent: number;
  #pipeline: Pipeline | undefined;
  #recoveries = 0;
  #waiters: Waiter[] = [];
  #failure: Error | undefined;
  #finished = false;
  #generation = 0;
  #settingUp = false;
  /** A pipeline that broke before the NameNode had heard of it. */
  #brokenMeanwhile: PipelineError | undefined;
  /** A replacement is wanted sooner once somebody relies on what is there. */
  #flushed = false;

  private constructor(context: WriteContext, state: BlockState) {
    this.#context = context;
    this.#append = state.append;
    this.#block = state.located.b;
    this.#token = state.located.blockToken;
    this.#targets = state.targets;
    this.#acked = state.acked;
    this.#sent = state.acked;
  }

  /** A new block behind `previous`. */
  static async create(context: WriteContext, previous: Block | undefined): Promise<BlockWriter> {
    const { nameNodes, config, excluded, path, fileId, clientName, signal } = context;
    for (let attempt = 0; ; attempt++) {
      const located = await locate(context, previous);
      const targets = targetsOf(located);
      const writer = new BlockWriter(context, { located, targets, acked: 0, append: false });
      try {
        await writer.#open(stages.setupCreate, 0);
        return writer;
      } catch (error) {
        if (!(error instanceof PipelineError)) throw error;
        const request = { b: located.b, src: path, holder: clientName, fileId };
        await nameNodes.call(abandonBlock, request, signal);
        const bad = targets[error.badIndex ?? -1];
        if (bad) excluded.add(bad.datanode);
        if (attempt >= config.write.blockWriteRetries || signal.aborted) throw error;
      }
    }
  }

  /** Goes on with the last block of a file. */
  static async append(context: WriteContext, located: LocatedBlock): Promise<BlockWriter> {
    refuseStriped(context, located);
    const acked = located.b.numBytes ?? 0;
    const targets = targetsOf(located);
    if (targets.length === 0)
      throw new ConnectionError(`${context.path}: its last block is nowhere`);
    const writer = new BlockWriter(context, { located, targets, acked, append: true });
    await writer.#setUpAgain(undefined);
    return writer;
  }

  /** Its length is what was acknowledged. */
  get block(): Block {
    return { ...this.#block, numBytes: this.#acked };
  }

  /** Those that have what was acknowledged. */
  get datanodes(): string[] {
    return this.#targets.map(({ datanode }) => datanode.name);
  }

  /** Grows with each new pipeline: what was synced or told before may not hold for it. */
  get generation(): number {
    return this.#generation;
  }

  noteFlushed(): void {
    this.#flushed = true;
  }

  /** Resolves when one more packet may be sent. */
  async room(): Promise<void> {
    const most = this.#context.config.write.maxPacketsInFlight;
    await this.#until(() => this.#window.length < most);
  }

  /** Its buffers must not change before it is acknowledged. */
  send(packet: Packet): void {
    this.#window.push(packet);
    this.#sent = packet.offset + packet.length;
    this.#pipeline?.send(packet);
  }

  /** Resolves when the packets up to this one are on all DataNodes of the pipeline. */
  async acked(seqno: number): Promise<void> {
    await this.#until(() => this.#finished || this.#ackedSeqno >= seqno);
  }

  /** Resolves when all that was sent is on all DataNodes of the pipeline. */
  async allAcked(): Promise<void> {
    await this.#until(() => this.#window.length === 0 && this.#pipeline !== undefined);
  }

  /** Ends the block: the DataNodes finalize it. */
  async finish(seqno: number, sync: boolean): Promise<void> {
    await this.allAcked();
    this.send(packetOf({ offset: this.#acked, seqno, last: true, sync }, this.#context.checksums));
    await this.#until(() => this.#finished);
  }

  /** Lets go of everything. */
  abort(error: Error): void {
    this.#fail(error);
    this.#pipeline?.close();
  }

  async #until(ready: () => boolean): Promise<void> {
    if (this.#failure) throw this.#failure;
    if (ready()) return;
    await new Promise<void>((resolve, reject) => {
      this.#waiters.push({ ready, resolve, reject });
    });
  }

  #wake(): void {
    if (this.#waiters.length === 0) return;
    const waiters = this.#waiters;
    this.#waiters = waiters.filter((each) => !each.ready());
    for (const each of waiters) if (!this.#waiters.includes(each)) each.resolve();
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const each of this.#waiters.splice(0)) each.reject(this.#failure);
  }

  async #open(stage: number, latestGenerationStamp: number): Promise<void> {
    const { config, clock, clientName, checksums, blockSize, signal } = this.#context;
    const [first, ...others] = this.#targets;
    if (!first) throw new ConnectionError(`${this.#name}: all its DataNodes are bad`);
    const setup: PipelineSetup = {
      config,
      clock,
      clientName,
      checksums,
      block: { ...this.#block, numBytes: blockSize },
      token: this.#token,
      targets: [first, ...others],
      stage,
      acked: this.#acked,
      sent: this.#sent,
      latestGenerationStamp,
    };
    const pipeline = await Pipeline.open(setup, {
      acked: (seqno) => this.#onAck(seqno),
      broken: (error) => this.#onBroken(error),
    });
    if (signal.aborted) {
      pipeline.close();
      throw new ConnectionError(`${this.#name}: given up`);
    }
    this.#pipeline = pipeline;
    this.#generation++;
  }

  #onAck(seqno: number): void {
    const [packet] = this.#window;
    if (packet?.seqno !== seqno) {
      this.#pipeline?.close();
      this.#onBroken(new PipelineError(`${this.#name}: an ack out of order`, 0));
      return;
    }
    this.#window.shift();
    this.#acked = Math.max(this.#acked, packet.offset + packet.length);
    this.#ackedSeqno = seqno;
    this.#recoveries = 0;
    if (packet.last) this.#finish();
    this.#wake();
  }

  #finish(): void {
    this.#finished = true;
    this.#window = [];
    this.#pipeline?.close();
  }

  #onBroken(error: PipelineError): void {
    this.#pipeline = undefined;
    if (this.#finished || this.#failure) return;
    if (this.#settingUp) {
      this.#brokenMeanwhile = error;
      return;
    }
    this.#setUpAgain(error).then(
      () => this.#wake(),
      (failure: unknown) => {
        const cause = failure instanceof Error ? failure : new Error(String(failure));
        this.#fail(cause);
      },
    );
  }

  /** Makes a new pipeline, after the one that broke or, for an append, for the first time. */
  async #setUpAgain(broken: PipelineError | undefined): Promise<void> {
    const { config, clock, signal } = this.#context;
    let error = broken;
    /** Until when the only DataNode that is left is tried again. */
    let deadline: number | undefined;
    for (let attempt = 0; ; attempt++) {
      if (signal.aborted) throw new ConnectionError(`${this.#name}: given up`);
      if (error && this.#targets.length === 1) {
        const { restartTimeoutMs } = config.write;
        const now = clock.monotonic();
        if (deadline === undefined) this.#countRecovery(error);
        else await clock.sleep(lastNodePollMs, signal);
        deadline ??= now + (error.restarting ? restartTimeoutMs : lastNodeMs);
        if (now >= deadline) this.#drop(error);
      } else if (error) {
        this.#countRecovery(error);
        this.#drop(error);
        await this.#replace();
      }
      error = await this.#attempt(attempt);
      if (!error) return;
    }
  }

  async #attempt(attempt: number): Promise<PipelineError | undefined> {
    this.#settingUp = true;
    this.#brokenMeanwhile = undefined;
    try {
      await this.#renew(attempt);
      // A DataNode that has finalized the block closes the connection by itself.
      return this.#finished ? undefined : this.#brokenMeanwhile;
    } catch (error) {
      if (error instanceof PipelineError) return error;
      throw error;
    } finally {
      this.#settingUp = false;
    }
  }

  #countRecovery(error: PipelineError): void {
    const { path, log } = this.#context;
    const block = String(this.#block.blockId);
    log.warn({ path, block, datanodes: this.datanodes, error }, 'The pipeline of a block broke.');
    if (++this.#recoveries <= this.#context.config.write.maxRecoveries) return;
    throw new ConnectionError(`${this.#name}: its pipeline broke ${this.#recoveries} times`, {
      cause: error,
    });
  }

  #drop({ badIndex, message }: PipelineError): void {
    const bad = badIndex === undefined ? undefined : this.#targets[badIndex];
    if (!bad) return;
    if (this.#targets.length === 1) {
      throw new ConnectionError(`${this.#name}: all its DataNodes are bad; the last: ${message}`);
    }
    this.#targets = this.#targets.filter((each) => each !== bad);
    this.#failed.push(bad.datanode);
  }

  async #replace(): Promise<void> {
    if (this.#isClosing) return;
    this.#targets = await replaceDatanode(this.#context, {
      block: this.block,
      targets: this.#targets,
      failed: this.#failed,
      eager: this.#flushed || this.#append,
    });
  }

  /** All that is left is to finalize the block. */
  get #isClosing(): boolean {
    return this.#window[0]?.last === true;
  }

  /** A new generation stamp, a new pipeline with it, and what was not acknowledged again. */
  async #renew(attempt: number): Promise<void> {
    const { nameNodes, clientName, signal } = this.#context;
    const old = this.block;
    const request = { block: old, clientName };
    const { block: located } = await nameNodes.call(updateBlockForPipeline, request, signal);
    const { generationStamp } = located.b;
    this.#token = located.blockToken;
    const closing = this.#isClosing;
    await this.#open(this.#stage(attempt), generationStamp);
    const update = {
      clientName,
      oldBlock: old,
      newBlock: { ...old, generationStamp },
      newNodes: this.#targets.map(({ datanode }) => datanode.id),
      storageIDs: this.#targets.map(({ storageId }) => storageId),
    };
    await nameNodes.call(updatePipeline, update, signal);
    this.#block = { ...this.#block, generationStamp };
    // It was finalized while the pipeline was set up.
    if (closing) this.#finish();
    else for (const packet of this.#window) this.#pipeline?.send(packet);
  }

  #stage(attempt: number): number {
    if (this.#isClosing) return stages.closeRecovery;
    if (!this.#append || this.#generation > 0) return stages.streamingRecovery;
    return attempt === 0 ? stages.setupAppend : stages.setupAppendRecovery;
  }

  get #name(): string {
    return `${this.#context.path}, block ${this.#block.blockId}`;
  }
}

/** Asks for a new block; not before enough DataNodes have reported the one before. */
async function locate(context: WriteContext, previous: Block | undefined): Promise<LocatedBlock> {
  const { nameNodes, config, clock, excluded, path, fileId, clientName, signal } = context;
  let delayMs = config.write.locateDelayMs;
  for (let attempt = 0; ; attempt++) {
    const excludeNodes = excluded.list().map(({ info }) => info);
    try {
      const request = { src: path, clientName, previous, excludeNodes, fileId };
      const { block } = await nameNodes.call(addBlock, request, signal);
      refuseStriped(context, block);
      return block;
    } catch (error) {
      const tooEarly = isRemote(error, 'NotReplicatedYetException');
      if (!tooEarly || attempt >= config.write.locateRetries) throw error;
      await clock.sleep(delayMs, signal);
      delayMs = Math.min(config.write.locateMaxDelayMs, delayMs * 2);
    }
  }
}

function refuseStriped({ path }: WriteContext, block: LocatedBlock): void {
  if (block.blockIndices) throw new UnsupportedError(`${path}: is erasure-coded`);
}
