import { asError, ConnectionError } from '../core/errors.ts';
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

/** How far a file had been sent when a flush asked for it. */
interface Sent {
  readonly block: BlockWriter | undefined;
  /** Of its pipeline. */
  readonly generation: number;
  readonly offset: number;
  readonly seqno: number;
}

/**
 * A file of HDFS that is being written. Calls may overlap: they are carried out in their order.
 * Once one of them has failed, all later ones fail for the same reason; what a flush has confirmed
 * stays in the file. Such a file is left with `abort`, and written on after `recoverLease` and
 * `append`.
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
  /** The pipeline that the NameNode's log knows of. */
  #persisted: Pick<Sent, 'block' | 'generation'> = { block: undefined, generation: 0 };
  /** Up to where the DataNodes of a pipeline have synced the block. */
  #synced: Pick<Sent, 'block' | 'generation' | 'offset'> = {
    block: undefined,
    generation: 0,
    offset: 0,
  };
  #closed = false;
  #tail: Promise<unknown> = Promise.resolve();
  #failure: Error | undefined;
  /** Whoever waits for a call. */
  readonly #waiting = new Set<(error: Error) => void>();
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
  }

  /** Begins a new block behind one that is not full. */
  beginAfter(last: Block): void {
    this.#previous = last;
  }

  /** Stays the same when the file is renamed, as in `stat`. */
  get fileId(): number {
    return this.#state.fileId;
  }

  /** On how many DataNodes each block of the file should be. */
  get replication(): number {
    return this.#state.replication;
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
    return this.#inOrder(async () => this.#add(buffers));
  }

  /**
   * Resolves when all that was written before is in the memory of all DataNodes: it survives the
   * end of this process and of theirs, and readers see it. It may be lost when they all lose power.
   * What is written after the call does not wait for it.
   */
  async hflush(options: FlushOptions = {}): Promise<void> {
    const sent = await this.#inOrder(async () => {
      await this.#emit(false);
      return this.#sentSoFar();
    });
    await this.#acknowledged(sent);
    await this.#persist(sent, options);
  }

  /**
   * As `hflush`, and on the disks of the DataNodes: the block that is being written, and all that
   * end after the first `hsync`; those before it too when the file was opened with `sync`.
   */
  async hsync(options: FlushOptions = {}): Promise<void> {
    let sent = await this.#inOrder(async () => this.#sendSync());
    while (sent.block) {
      await this.#acknowledged(sent);
      if (sent.block !== this.#block) break;
      if (sent.block.generation === sent.generation) {
        this.#synced = sent;
        break;
      }
      // The new pipeline may have a DataNode that has synced nothing yet.
      sent = await this.#inOrder(async () => this.#sendSync());
    }
    await this.#persist(sent, options);
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
      this.#closed = true;
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
    for (const reject of this.#waiting) reject(this.#failure);
    this.#state.ended(this);
  }

  async #inOrder<T>(action: () => Promise<T>): Promise<T> {
    const before = this.#tail;
    const done = (async () => {
      await before;
      if (this.#failure) throw this.#failure;
      try {
        return await action();
      } catch (error) {
        this.#failure ??= asError(error);
        throw this.#failure;
      }
    })();
    this.#tail = done.catch(() => {});
    return this.#unlessAborted(done);
  }

  /** What is under way may take its time to give up; who waits for it is told at once. */
  async #unlessAborted<T>(done: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const settled = () => this.#waiting.delete(reject);
      this.#waiting.add(reject);
      done.then(resolve, reject).then(settled, settled);
    });
  }

  async #add(buffers: readonly Buffer[]): Promise<void> {
    const { blockSize } = this.#state;
    for (const buffer of buffers) {
      let from = 0;
      while (from < buffer.length) {
        if (!this.#block) await this.#beginBlock();
        const to = Math.min(buffer.length, from + this.#room() - this.#pendingBytes);
        this.#pending.push(to - from === buffer.length ? buffer : buffer.subarray(from, to));
        this.#pendingBytes += to - from;
        this.#position += to - from;
        from = to;
        if (this.#pendingBytes < this.#room()) continue;
        await this.#emit(false);
        if (this.#offset === blockSize) await this.#endBlock();
      }
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

  async #beginBlock(): Promise<void> {
    this.#block = await BlockWriter.create(this.#state, this.#previous);
    this.#persisted = { block: undefined, generation: -1 };
    this.#offset = 0;
  }

  async #endBlock(): Promise<void> {
    if (!this.#block) return;
    await this.#block.finish(this.#seqno++, this.#sync);
    this.#previous = this.#block.block;
    this.#block = undefined;
  }

  #sentSoFar(): Sent {
    const block = this.#block;
    const generation = block?.generation ?? 0;
    return { block, generation, offset: this.#offset, seqno: this.#seqno - 1 };
  }

  /** Sends what has gathered, or else nothing but the wish to sync; unless all is synced. */
  async #sendSync(): Promise<Sent> {
    this.#sync = true;
    const sent = await this.#emit(true);
    const block = this.#block;
    const synced = this.#synced;
    const isSynced =
      synced.block === block &&
      synced.generation === block?.generation &&
      synced.offset === this.#offset;
    if (block && !sent && !isSynced) {
      await block.room();
      this.#send(block, true, []);
    }
    return this.#sentSoFar();
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

  async #acknowledged({ block, seqno }: Sent): Promise<void> {
    try {
      await block?.acked(seqno);
      block?.noteFlushed();
    } catch (error) {
      this.#failure ??= asError(error);
      throw this.#failure;
    }
  }

  /** The NameNode has the blocks in its log: without that, a crash of it would lose them. */
  async #persist({ block }: Sent, { updateLength = false }: FlushOptions): Promise<void> {
    const { nameNodes, path, clientName, fileId, signal } = this.#state;
    const isKnown = () => {
      const current = this.#block;
      const { block: known, generation } = this.#persisted;
      if (known !== current) return false;
      // Of a later block than the one that is asked about any generation will do.
      const isPast = block !== undefined && block !== current;
      return isPast ? generation >= 0 : generation === (current?.generation ?? 0);
    };
    if (this.#closed || (isKnown() && !updateLength)) return;
    // In its turn, because it speaks of the length of the last block.
    await this.#inOrder(async () => {
      if (isKnown() && !updateLength) return;
      const current = this.#block;
      const generation = current?.generation ?? 0;
      const lastBlockLength = current?.block.numBytes;
      const request = { src: path, client: clientName, lastBlockLength, fileId };
      await nameNodes.call(fsync, request, signal);
      this.#persisted = { block: current, generation };
    });
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
