import type { StreamStatus } from '../../core/channel.ts';
import { releaseSlab } from '../../core/slab-pool.ts';
import type { SourceContext } from '../../core/source.ts';
import type { EmitWindow } from '../../files/emit-window.ts';
import type { FileInfo } from '../../files/file-info.ts';
import { fileInfo, keyOf } from '../../files/file-info.ts';
import { InputFile } from '../../files/input-file.ts';
import { proofBytes, proofOf, readBytes } from '../../files/proof.ts';
import { chunkBytes } from '../../files/read-slabs.ts';
import type { Lines } from '../../framing/lines.ts';
import { firstLines } from '../../framing/lines.ts';
import { ChunkEvents } from './chunk-events.ts';
import type { FileGroup } from './groups.ts';
import type { Identity } from './identity.ts';
import { lastBytes, longerHead, parseIdentity } from './identity.ts';
import { LineBatches } from './line-batches.ts';
import type { FoundFile } from './listing.ts';
import type { OpenFiles } from './open-files.ts';
import type { Flush, TailOptions } from './tail-options.ts';

/*
 * Invariants.
 * 1. `position` is where the next event begins: everything before it was emitted, though perhaps
 *    not yet with success. After a failed emit it goes back to what the channels hold.
 * 2. Every read begins up to 1 KiB before `position`, and counts only when those bytes are the ones
 *    that were read there before (`#proof`). A file whose size, mtime or ctime changed is always
 *    read that way, also when it has not grown. So a file that was cut back is found out, even if
 *    it has grown beyond `position` since: the bytes there are others.
 * 3. No event spans one of `#edges`: offsets where an event ended for some channel before.
 */

/** The most bytes one file gives before others have their turn. */
const turnBytes = 16 * 1024 * 1024;
/** An unfinished line at least this long is not read again until its newline was seen. */
const longRestBytes = 64 * 1024;
const newline = 10;

/** How often the identity of a file that is read is written at most. */
const identityMs = 1000;

/**
 * `more`: there is more to read now. `end`: nothing for now. `moved`: the name leads to no file,
 * or to another one. `replaced`: the file no longer has what was read from it.
 */
export type ReadOutcome = 'more' | 'end' | 'moved' | 'replaced';

interface Chunk {
  readonly slab: Buffer;
  readonly length: number;
  /** Are the bytes before it those that were read before? */
  readonly sound: boolean;
}

/** One file that is read as it grows, which is one stream. */
export class TailedFile {
  readonly stream: string;
  readonly key: string;
  info: FileInfo;
  path: string;
  group: FileGroup;
  position: number;
  /** Does a file group name it? Else it was renamed or deleted, and is read to its end. */
  listed = true;
  /** Might there be something to read? */
  dirty = true;
  /** Was it empty so far, so that whose it is will show with what comes? It is not read before. */
  blank = false;
  /** Is a read under way? */
  busy = false;
  /** When it was last seen to change, on the monotonic clock. */
  changedAt: number;
  /** The round of polls in which it was last read. */
  lastTurn = 0;
  /** Why the last read failed; said once. */
  complaint: string | undefined;
  failure: unknown;
  /** The first bytes of the file, up to 1 KiB; empty until it was looked into. */
  head: Buffer = Buffer.alloc(0);

  readonly #options: TailOptions;
  readonly #context: SourceContext;
  readonly #openFiles: OpenFiles;
  readonly #batches: LineBatches;
  readonly #events: ChunkEvents;
  readonly #first: number;
  #bornMs: number | undefined;
  #introduced: boolean;
  /** What the channels knew when the file was found. */
  #known: Identity | undefined;
  #introducedAt = Number.NEGATIVE_INFINITY;
  #introducedPosition = -1;
  #handle: InputFile | undefined;
  /** What was read before `#proofEnd`: up to 1 KiB. */
  #proof: Buffer | undefined;
  #proofEnd = 0;
  #edges: number[] = [];
  #want = chunkBytes;
  /** There is no newline in `[position, searched)`. */
  #searched = 0;

  /** @param known what the channels know of the stream; else it is new and begins at `first` */
  constructor(
    options: TailOptions,
    context: SourceContext,
    openFiles: OpenFiles,
    stream: string,
    found: FoundFile,
    first: number,
    known?: StreamStatus,
  ) {
    this.#options = options;
    this.#context = context;
    this.#openFiles = openFiles;
    this.stream = stream;
    this.path = found.path;
    this.group = found.group;
    this.#batches = new LineBatches(options, stream);
    this.#batches.setFile(found.path, found.group);
    this.#events = new ChunkEvents(options, context);
    this.info = found.info;
    this.#bornMs = found.info.bornMs;
    this.key = keyOf(found.info);
    this.#first = known?.first ?? first;
    this.position = this.#first;
    this.#introduced = known !== undefined;
    if (known) {
      this.#goTo(known);
      this.#known = parseIdentity(known.identity);
      if (this.#isKnown()) this.#introducedPosition = this.position;
    }
    const { clock } = context;
    // Its age counts for the idle time-out: an old last line without newline needn't wait again.
    this.changedAt = clock.monotonic() - Math.max(0, clock.now() - found.info.mtimeMs);
  }

  /** For how long it has not changed, in milliseconds. */
  get stillFor(): number {
    return this.#context.clock.monotonic() - this.changedAt;
  }

  /** Has it not changed for the idle time-out? */
  get idle(): boolean {
    return this.stillFor >= this.#options.idleTimeout;
  }

  /** When, in milliseconds, the lines of an event that may go on are taken for it. */
  get openFor(): number | undefined {
    const { multiLine } = this.#options;
    if (!multiLine || !this.#events.isOpen) return undefined;
    return Math.max(0, multiLine.timeoutMs - this.stillFor);
  }

  /** What is to be taken as it is by now. */
  get due(): Flush {
    if (this.unreadBytes > 0 && this.idle) return 'all';
    return this.openFor === 0 ? 'lines' : 'nothing';
  }

  get isOpen(): boolean {
    return this.#handle !== undefined;
  }

  /** May the descriptor be closed? A file without a name we know can't be opened again. */
  get closable(): boolean {
    return this.listed && !this.deleted && !this.busy;
  }

  get deleted(): boolean {
    return this.info.links === 0;
  }

  /**
   * Offsets before this were read once, as lines or as proof: a shorter file is not what it was.
   */
  get readEnd(): number {
    return Math.max(this.position, this.#proofEnd, this.head.length);
  }

  /** Bytes that are there and were not emitted, an unfinished line included. */
  get unreadBytes(): number {
    return Math.max(0, this.info.size - this.position);
  }

  rename(path: string, group: FileGroup): void {
    if (path === this.path && group === this.group) return;
    this.path = path;
    this.group = group;
    this.#batches.setFile(path, group);
    this.#introducedPosition = -1;
  }

  /** Takes note of how the file looks now. */
  seen(info: FileInfo): void {
    const { size, mtimeMs, ctimeMs } = this.info;
    if (size !== info.size || mtimeMs !== info.mtimeMs || ctimeMs !== info.ctimeMs) {
      this.dirty = true;
      if (size !== info.size || mtimeMs !== info.mtimeMs) {
        this.changedAt = this.#context.clock.monotonic();
      }
    }
    this.info = info;
    // The birth time is not always told.
    this.#bornMs ??= info.bornMs;
  }

  /** Looks at the open file, whatever its name is by now. */
  async look(): Promise<void> {
    if (this.#handle) this.seen(fileInfo(await this.#handle.stat()));
  }

  /**
   * Emits what is there, within a turn's bound; failures of emits come later, as `failure`.
   *
   * @param due what is taken at the end as it is, unless the file has just changed
   */
  async read(window: EmitWindow, signal: AbortSignal, due: Flush): Promise<ReadOutcome> {
    const { changedAt, isOpen } = this;
    const handle = await this.open();
    if (!handle) return 'moved';
    if (isOpen) await this.look();
    this.dirty = false;
    if (this.info.size < this.readEnd || !(await this.#prove(handle))) return 'replaced';
    if (this.info.size > 0 && this.#introduce() && !(await this.#prove(handle))) return 'replaced';
    const flush = changedAt === this.changedAt ? due : 'nothing';
    if (flush === 'nothing' && (await this.#searchNewline(handle))) return 'end';

    const turnEnd = this.position + turnBytes;
    const { batchSize, maxBatchCount } = this.#options;
    let eventsLeft = Math.min(Number.MAX_SAFE_INTEGER, batchSize * maxBatchCount);
    let next: Promise<Chunk> | undefined = this.#readChunk(handle);
    while (next) {
      const chunk: Chunk = await next;
      next = undefined;
      if (!chunk.sound) return 'replaced';
      const from = this.position;
      const all = this.#find(chunk, flush);
      const lines = all.count <= eventsLeft ? all : firstLines(all, eventsLeft);
      eventsLeft -= lines.count;
      const more = this.#advance(chunk, lines) || lines !== all;
      if (!more) this.#searched = from + chunk.length;
      const turnOver = this.position >= turnEnd || eventsLeft <= 0 || signal.aborted;
      if (more && !turnOver && this.failure === undefined) {
        // Read ahead while what is here is emitted.
        next = this.#readChunk(handle);
        next.catch(() => {});
      }
      await this.#emit(chunk.slab, lines, from, window);
      releaseSlab(chunk.slab);
      if (more && !next) return 'more';
    }
    return 'end';
  }

  /** Has the file what was read from it? True as well when its name leads to no file. */
  async isSound(): Promise<boolean> {
    this.busy = true;
    try {
      const handle = await this.open();
      if (!handle) return true;
      await this.look();
      if (this.info.size < this.readEnd) return false;
      return (await this.#hasHead(handle)) && (await this.#hasProof(handle));
    } finally {
      this.busy = false;
    }
  }

  /** Opens the file by its name; `undefined` when that leads to another file or none. */
  async open(): Promise<InputFile | undefined> {
    if (this.#handle) {
      this.#openFiles.used(this);
      return this.#handle;
    }
    const handle = await InputFile.open(this.path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    if (!handle) return undefined;
    const info = fileInfo(await handle.stat());
    if (keyOf(info) !== this.key) {
      await handle.close();
      return undefined;
    }
    this.#handle = handle;
    this.seen(info);
    await this.#openFiles.opened(this);
    return handle;
  }

  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    this.#openFiles.closed(this);
    await handle?.close();
  }

  /** Does the ledger say already what would be written into it? */
  #isKnown(): boolean {
    const known = this.#known;
    if (!known || known.boot !== this.#options.boot || known.gone !== null) return false;
    const { device, inode } = this.info;
    return known.device === device && known.inode === inode && known.path === this.path;
  }

  /** Goes back to what the channels hold, after a failed emit. */
  goBack(): void {
    this.failure = undefined;
    const status = this.#context.streams.get(this.stream);
    if (status) this.#goTo(status);
    else this.position = this.#first;
    this.dirty = true;
  }

  #goTo(status: StreamStatus): void {
    this.position = status.held;
    this.#edges = status.islands.flat().filter((edge) => edge > status.held);
    this.#edges.sort((a, b) => a - b);
    this.#searched = 0;
    this.#want = chunkBytes;
    this.#events.restart();
  }

  /** Brings the stream's identity up to date; nothing may be in flight. */
  refreshIdentity(): void {
    if (!this.#introduced || this.#introducedPosition === this.position) return;
    this.#introducedPosition = this.position;
    this.#introducedAt = this.#context.clock.monotonic();
    this.#context.streams.introduce(this.stream, this.identity(), this.#first);
  }

  /** Should the identity be written again by now? */
  identityDue(now: number): boolean {
    if (!this.#introduced || this.#introducedPosition === this.position) return false;
    return now - this.#introducedAt >= identityMs;
  }

  identity(): Identity {
    const { device, inode } = this.info;
    const proof = this.#proof ?? Buffer.alloc(0);
    const tail = proofOf(this.#proofEnd - proof.length, proof);
    return {
      device,
      inode,
      path: this.path,
      group: this.group.name,
      born: this.#bornMs ?? null,
      boot: this.#options.boot,
      head: this.head.length > 0 ? proofOf(0, this.head) : (this.#known?.head ?? tail),
      tail: this.#proof ? tail : (this.#known?.tail ?? tail),
      gone: null,
    };
  }

  /** Makes a new stream that begins at 0 known, without having read anything. */
  introduceNew(): void {
    if (this.#first === 0) this.#introduce();
  }

  /** Returns whether the channels know better where to read on. */
  #introduce(): boolean {
    if (this.#introduced) return false;
    const identity = this.identity();
    const status = this.#context.streams.introduce(this.stream, identity, this.#first);
    this.#introduced = true;
    this.#introducedPosition = this.position;
    this.#introducedAt = this.#context.clock.monotonic();
    if (status.held === this.position) return false;
    this.#goTo(status);
    return true;
  }

  /** Is the file still what was read? Then the proof is made the one just before `position`. */
  async #prove(handle: InputFile): Promise<boolean> {
    // The read that follows begins with the head, or with this proof.
    const readsHead = this.position === 0 && this.head.length > 0;
    if (!readsHead && !(await this.#hasHead(handle))) return false;
    if (this.#proof && this.#proofEnd === this.position) return true;
    if (!(await this.#hasProof(handle))) return false;
    if (this.head.length === 0) {
      this.head = await readBytes(handle, 0, Math.min(proofBytes, this.info.size));
    }
    const length = Math.min(proofBytes, this.position);
    this.#proof = await readBytes(handle, this.position - length, length);
    this.#proofEnd = this.position;
    return this.#proof.length === length;
  }

  async #hasProof(handle: InputFile): Promise<boolean> {
    const proof = this.#proof ?? Buffer.alloc(0);
    const bytes = await readBytes(handle, this.#proofEnd - proof.length, proof.length);
    return bytes.equals(proof);
  }

  /**
   * Where the proof does not speak for the beginning: nothing was read yet, or less than the head.
   */
  async #hasHead(handle: InputFile): Promise<boolean> {
    if (this.#proof && this.position >= this.head.length) return true;
    return (await readBytes(handle, 0, this.head.length)).equals(this.head);
  }

  /** The offset that a read must not pass: the end of the file, or an edge. */
  get #limit(): number {
    while (this.#edges.length > 0 && (this.#edges[0] as number) <= this.position) {
      this.#edges.shift();
    }
    return Math.min(this.info.size, this.#edges[0] ?? this.info.size);
  }

  async #readChunk(handle: InputFile): Promise<Chunk> {
    const proof = this.#proof ?? Buffer.alloc(0);
    const want = Math.max(0, Math.min(this.#want, this.#limit - this.position));
    const before = Buffer.allocUnsafeSlow(proof.length);
    const slab = this.#options.slabs.take(want);
    const start = this.position - proof.length;
    if (before.length + want === 0) return { slab, length: 0, sound: true };
    const buffers = [before, slab].filter((buffer) => buffer.length > 0);
    const bytesRead = await handle.read(buffers, start);
    const length = Math.max(0, bytesRead - before.length);
    const known = this.position === 0 ? Math.min(length, this.head.length) : 0;
    const sound = before.equals(proof) && this.head.compare(slab, 0, known, 0, known) === 0;
    return { slab, length, sound: sound && bytesRead >= before.length };
  }

  /**
   * Looks for the end of a long unfinished line without keeping it: true when there is none yet.
   * Else each write to a line of many megabytes would have all of it read again.
   */
  async #searchNewline(handle: InputFile): Promise<boolean> {
    const limit = this.#limit;
    const { maxLineBytes } = this.#options;
    if (limit < this.info.size || limit - this.position > maxLineBytes) return false;
    if (this.#searched - this.position < longRestBytes) return false;
    while (this.#searched < limit) {
      const length = Math.min(longRestBytes, limit - this.#searched);
      const bytes = await readBytes(handle, this.#searched, length);
      if (bytes.includes(newline) || bytes.length === 0) {
        this.#want = Math.max(chunkBytes, limit - this.position);
        return false;
      }
      this.#searched += bytes.length;
    }
    return true;
  }

  #find({ slab, length }: Chunk, flush: Flush): Lines {
    const base = this.position;
    const end = base + length;
    const atEdge = this.#edges[0] === end;
    const atEnd = end >= this.info.size;
    return this.#events.find({
      slab,
      length,
      base,
      inside: base > 0 && this.#proof?.at(-1) !== newline,
      closesLine: atEdge || (atEnd && flush === 'all'),
      closesEvent: atEdge || (atEnd && flush !== 'nothing'),
    });
  }

  /** Moves on to behind these lines. Returns whether there is more to read now. */
  #advance(chunk: Chunk, lines: Lines): boolean {
    const from = this.position;
    const end = from + chunk.length;
    if (lines.count === 0) {
      // A line longer than the chunk, or an unfinished one.
      if (end >= this.#limit || chunk.length < this.#want) return false;
      this.#want = Math.min(this.#want * 2, this.#options.slabs.longBytes);
      return true;
    }
    this.position = lines.offsets[lines.count - 1] as number;
    const consumed = this.position - from;
    this.head = longerHead(this.head, from, chunk.slab.subarray(0, chunk.length));
    this.#proof = lastBytes(this.#proof ?? Buffer.alloc(0), chunk.slab.subarray(0, consumed));
    this.#proofEnd = this.position;
    this.#events.note(this.path, from, lines);
    this.#want = this.#events.inPieces ? this.#options.slabs.longBytes : chunkBytes;
    return this.#limit > end;
  }

  async #emit(slab: Buffer, lines: Lines, from: number, window: EmitWindow): Promise<void> {
    const { batchSize } = this.#options;
    for (let first = 0; first < lines.count; first += batchSize) {
      if (window.full) await window.room();
      if (this.failure !== undefined) return;
      const last = Math.min(first + batchSize, lines.count);
      const batch = this.#batches.make(slab, lines, first, last, from);
      const { from: begin, to } = batch.origin ?? { from, to: from };
      window.add(this.#context.emit(batch), slab, to - begin, this.#failed);
    }
  }

  readonly #failed = (error: unknown) => {
    this.failure ??= error;
  };
}
