import { ConnectionError } from '../core/errors.ts';
import { BlockWriter } from './block-writer.ts';
import { checksumBytes } from './checksums.ts';
import { complete, fsync } from './client-protocol.ts';
import type { Block, LocatedBlock } from './common-messages.ts';
import type { LeaseHolder } from './lease-renewer.ts';
import { maxPacketHeadBytes, packetOf } from './packets.ts';
import type { WriteContext } from './write-context.ts';

/** More views than this of one packet are joined: copying them costs less than carrying them. */
const maxViews = 64;

export interface WriterState extends WriteContext {
  readonly packetSize: number;
  /** Sync every block when it ends. */
  readonly sync: boolean;
  readonly namespace: string | undefined;
  /** Where the file ends: 0 for a new one. */
  readonly position: number;
  /** Aborts `signal`. */
  readonly abort: AbortController;
  /** Called once, when the file is closed or given up. */
  readonly ended: (writer: HdfsFileWriter) => void;
}

export interface FlushOptions {
  /** The NameNode learns the length, too: `stat` tells it. Costs a call each time. */
  readonly updateLength?: boolean;
}

/**
 * A file of HDFS that is being written. Calls may overlap: they are carried out in their order.
 * Once one of them has failed, all later ones fail for the same reason; what a flush has confirmed
 * stays in the file. Such a file is left with `abort`, and written on after `recoverLease` and `append`.
 *
 * The buffers that are written are sent as they are, without a copy. They must not change until a
 * later `hflush`, `hsync` or `close` has resolved, or `abort` was called.
 */
export class HdfsFileWriter implements LeaseHolder {
  readonly path: string;
  readonly namespace: string | undefined;
  readonly #state: WriterState;
  readonly #packetBytes: number;
  #block: BlockWriter | undefined;
  /** The block that was finished last. */
  #previous: Block | undefined;
  /** Where the next packet begins in the block. */
  #offset = 0;
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  #position: number;
  #seqno = 0;
  #sync: boolean;
  /** Of the pipeline that the NameNode's log knows of. */
  #persisted = 0;
  /** Up to where the DataNodes of the pipeline have synced the block, and which pipeline. */
  #synced = { offset: 0, generation: 0 };
  #tail: Promise<unknown> = Promise.resolve();
  #failure: Error | undefined;
  #closing: Promise<void> | undefined;

  constructor(state: WriterState) {
    this.path = state.path;
    this.namespace = state.namespace;
    this.#state = state;
    this.#position = state.position;
    this.#sync = state.sync;
    const chunkBytes = state.checksums.bytesPerChecksum;
    const room = state.packetSize - maxPacketHeadBytes;
    const chunks = Math.max(1, Math.floor(room / (chunkBytes + checksumBytes)));
    this.#packetBytes = chunks * chunkBytes;
  }

  /** Goes on with a block that is not full. */
  async openLast(located: LocatedBlock): Promise<void> {
    this.#block = await BlockWriter.append(this.#state, located);
    this.#offset = located.b.numBytes ?? 0;
    // What it had already is synced by nobody now.
    this.#synced = { offset: this.#offset, generation: 1 };
  }

  /** Begins a new block behind one that is not full. */
  beginAfter(last: Block): void {
    this.#previous = last;
  }

  /** The length of the file with all that was written. */
  get position(): number {
    return this.#position;
  }

  /** The DataNodes of the block that is being written, in the order of its pipeline. */
  get datanodes(): readonly string[] {
    return this.#block?.datanodes ?? [];
  }

  /**
   * On how many DataNodes the block is that is being written; between blocks, as many as the file
   * asks for.
   */
  get currentReplication(): number {
    return this.#block?.datanodes.length ?? this.#state.replication;
  }

  /**
   * Resolves when all of it is on its way, with at most `dfs.client.write.max-packets-in-flight`
   * packets not acknowledged.
   *
   * @throws MillraceError
   */
  async write(data: Buffer | readonly Buffer[]): Promise<void> {
    const buffers = Buffer.isBuffer(data) ? [data] : data;
    return this.#inOrder(async () => {
      for (const buffer of buffers) await this.#add(buffer);
    });
  }

  /**
   * Resolves when all that was written is in the memory of all DataNodes: it survives the end of
   * this process and of theirs, and readers see it. It may be lost when they all lose power.
   */
  async hflush(options: FlushOptions = {}): Promise<void> {
    return this.#inOrder(async () => {
      await this.#emit(false);
      await this.#flushed(options);
    });
  }

  /**
   * As `hflush`, and on the disks of the DataNodes: the block that is being written, and all that
   * end after the first `hsync`; those before it too when the file was opened with `sync`.
   */
  async hsync(options: FlushOptions = {}): Promise<void> {
    return this.#inOrder(async () => {
      this.#sync = true;
      let sent = await this.#emit(true);
      const block = this.#block;
      while (block && (sent || !this.#isSynced(block))) {
        const { generation } = block;
        if (!sent) await block.room();
        if (!sent) this.#send(block, true, []);
        sent = false;
        await block.allAcked();
        // A new pipeline may have a DataNode that has synced nothing yet.
        if (block.generation === generation) this.#synced = { offset: this.#offset, generation };
      }
      await this.#flushed(options);
    });
  }

  /**
   * Writes what is left and closes the file: from then on it has its final length and can be
   * renamed, appended to and read by all. Safe twice.
   */
  async close(): Promise<void> {
    this.#closing ??= this.#inOrder(async () => {
      await this.#emit(this.#sync);
      await this.#endBlock();
      await this.#complete();
      this.#failure = new ConnectionError(`${this.path}: was closed`);
      this.#state.ended(this);
    });
    return this.#closing;
  }

  /**
   * Lets go of the file as it is, at once; whatever waits rejects. The lease stays with this client
   * until it expires, or until somebody calls `recoverLease`.
   */
  abort(error: Error = new ConnectionError(`${this.path}: was given up`)): void {
    this.#failure ??= error;
    this.#state.abort.abort();
    this.#block?.abort(error);
    this.#state.ended(this);
  }

  async #inOrder(action: () => Promise<void>): Promise<void> {
    const before = this.#tail;
    const done = (async () => {
      await before;
      if (this.#failure) throw this.#failure;
      try {
        await action();
      } catch (error) {
        this.#failure ??= error instanceof Error ? error : new Error(String(error));
        throw this.#failure;
      }
    })();
    this.#tail = done.catch(() => {});
    return done;
  }

  async #add(buffer: Buffer): Promise<void> {
    let from = 0;
    while (from < buffer.length) {
      const block = this.#block ?? (await this.#beginBlock());
      const to = Math.min(buffer.length, from + this.#room() - this.#pendingBytes);
      this.#pending.push(buffer.subarray(from, to));
      this.#pendingBytes += to - from;
      this.#position += to - from;
      from = to;
      if (this.#pendingBytes < this.#room()) continue;
      await this.#emit(false);
      if (this.#offset === this.#state.blockSize && this.#block === block) await this.#endBlock();
    }
  }

  /** How many bytes the next packet may have. */
  #room(): number {
    const { checksums, blockSize } = this.#state;
    const unaligned = this.#offset % checksums.bytesPerChecksum;
    // One that begins within a chunk is no longer than the rest of it: its DataNodes merge the two.
    const most = unaligned > 0 ? checksums.bytesPerChecksum - unaligned : this.#packetBytes;
    return Math.min(most, blockSize - this.#offset);
  }

  async #beginBlock(): Promise<BlockWriter> {
    this.#block = await BlockWriter.create(this.#state, this.#previous);
    this.#offset = 0;
    this.#persisted = 0;
    this.#synced = { offset: 0, generation: this.#block.generation };
    return this.#block;
  }

  async #endBlock(): Promise<void> {
    if (!this.#block) return;
    await this.#block.finish(this.#seqno++, this.#sync);
    this.#previous = this.#block.block;
    this.#block = undefined;
  }

  #isSynced({ generation }: BlockWriter): boolean {
    return this.#synced.offset >= this.#offset && this.#synced.generation === generation;
  }

  /** Sends what has gathered; false when there was nothing. */
  async #emit(sync: boolean): Promise<boolean> {
    const block = this.#block;
    if (this.#pendingBytes === 0 || !block) return false;
    await block.room();
    const views = this.#pending.length > maxViews ? [Buffer.concat(this.#pending)] : this.#pending;
    this.#send(block, sync, views);
    this.#offset += this.#pendingBytes;
    this.#pending = [];
    this.#pendingBytes = 0;
    return true;
  }

  #send(block: BlockWriter, sync: boolean, views: readonly Buffer[]): void {
    const fields = { offset: this.#offset, seqno: this.#seqno++, sync, views };
    block.send(packetOf(fields, this.#state.checksums));
  }

  /** Everything is acknowledged, and the NameNode has the blocks in its log. */
  async #flushed({ updateLength = false }: FlushOptions): Promise<void> {
    const { nameNodes, path, clientName, fileId, signal } = this.#state;
    const block = this.#block;
    await block?.allAcked();
    block?.noteFlushed();
    const generation = block?.generation ?? Number.POSITIVE_INFINITY;
    const known = this.#persisted >= generation || (!block && this.#previous === undefined);
    if (known && !updateLength) return;
    const lastBlockLength = block?.block.numBytes;
    await nameNodes.call(fsync, { src: path, client: clientName, lastBlockLength, fileId }, signal);
    this.#persisted = generation;
  }

  /** False as long as too few DataNodes have reported the last block. */
  async #complete(): Promise<void> {
    const { nameNodes, config, path, clientName, fileId, signal } = this.#state;
    const request = { src: path, clientName, last: this.#previous, fileId };
    let delayMs = config.write.locateDelayMs;
    for (let attempt = 0; ; attempt++) {
      const { result } = await nameNodes.call(complete, request, signal);
      if (result) return;
      if (attempt >= config.write.locateRetries) {
        throw new ConnectionError(`${path}: its last block is on too few DataNodes to close it`);
      }
      await this.#state.clock.sleep(delayMs, signal);
      delayMs = Math.min(config.write.locateMaxDelayMs, delayMs * 2);
    }
  }
}
