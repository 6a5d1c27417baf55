import type { StreamStatus } from '../../core/channel.ts';
import type { Headers } from '../../core/event-batch.ts';
import { EventBatch } from '../../core/event-batch.ts';
import { releaseSlab } from '../../core/slab-pool.ts';
import type { SourceContext } from '../../core/source.ts';
import type { EmitWindow } from '../../files/emit-window.ts';
import type { FileInfo } from '../../files/file-info.ts';
import { fileInfo, keyOf } from '../../files/file-info.ts';
import { InputFile } from '../../files/input-file.ts';
import { proofBytes, proofOf, readBytes } from '../../files/proof.ts';
import type { ReadSlabs } from '../../files/read-slabs.ts';
import { chunkBytes } from '../../files/read-slabs.ts';
import type { Lines } from '../../framing/lines.ts';
import { LongLines } from '../../framing/long-lines.ts';
import type { MultiLineRules } from '../../framing/multi-line.ts';
import { LineGroups } from '../../framing/multi-line.ts';
import type { FoundLines, TextRules } from '../../framing/text-lines.ts';
import { TextLines } from '../../framing/text-lines.ts';
import type { SpoolIdentity } from './identity.ts';
import { coveredBy } from './identity.ts';

/*
 * Invariants.
 * 1. `position` is where the next event begins: everything before it was emitted, though perhaps
 *    not yet with success. After a failed emit it goes back to what the channels hold.
 * 2. Nothing beyond `info.size` is read: the file as it was when it was picked up.
 * 3. No event spans one of `#edges`: offsets where an event ended for some channel before.
 */

export interface ReadingOptions {
  readonly batchSize: number;
  readonly text: TextRules;
  /** Absent: each line is an event. */
  readonly multiLine: MultiLineRules | undefined;
  readonly slabs: ReadSlabs;
}

/** Why a file can't be read to its end, or not be finished; others go on. */
export type Trouble =
  /** It is not what it was when it was picked up. */
  | { readonly kind: 'changed' }
  /** There are bytes that are no character. */
  | { readonly kind: 'undecodable'; readonly offset: number }
  /** What it was to be named exists. */
  | { readonly kind: 'name-taken'; readonly target: string }
  /** The system refuses. */
  | { readonly kind: 'refused'; readonly error: unknown };

/** `more`: its turn is over. `end`: all of it was emitted. `gone`: its name leads elsewhere. */
export type ReadOutcome = 'more' | 'end' | 'gone' | Trouble;

/** The most bytes that are read before other things have their turn. */
const turnBytes = 16 * 1024 * 1024;
const tooLong = 'A line is longer than deserializer.maxLineLength; it becomes several events.';
const tooMuch =
  'An event is longer than multiline.maxLines or multiline.maxBytes; it becomes several.';

interface Chunk {
  readonly slab: Buffer;
  readonly length: number;
}

/** One file on its way through the source, which is one stream. */
export class SpooledFile {
  readonly stream: string;
  readonly path: string;
  /** As it was when it was picked up. */
  readonly info: FileInfo;
  position: number;
  /** Why an emit failed. */
  failure: unknown;

  readonly #options: ReadingOptions;
  readonly #context: SourceContext;
  readonly #headers: Headers;
  readonly #first: number;
  readonly #head: Buffer;
  readonly #text: TextLines;
  readonly #longLines: LongLines;
  readonly #groups: LineGroups | undefined;
  /** Is `position` not the beginning of a line? `undefined`: to be looked up. */
  #inside: boolean | undefined;
  #introduced = false;
  #handle: InputFile | undefined;
  #edges: number[] = [];
  #want = chunkBytes;
  #lineBytes = 64;

  /**
   * @param handle the open file, which is closed by this one from now on
   * @param head its first bytes, up to 1 KiB
   * @param known what the channels know of the stream; else it is new and begins at `first`
   */
  constructor(
    options: ReadingOptions,
    context: SourceContext,
    stream: string,
    file: { path: string; info: FileInfo; handle: InputFile; head: Buffer; headers: Headers },
    first: number,
    known?: StreamStatus,
  ) {
    this.#options = options;
    this.#context = context;
    this.stream = stream;
    this.path = file.path;
    this.info = file.info;
    this.#handle = file.handle;
    this.#head = file.head;
    this.#headers = file.headers;
    this.#first = known?.first ?? first;
    this.position = this.#first;
    this.#text = new TextLines(options.text, file.head);
    const { multiLine } = options;
    if (multiLine) {
      const { maxLines, maxBytes } = multiLine;
      this.#groups = new LineGroups(multiLine);
      this.#longLines = new LongLines(context, tooMuch, { maxLines, maxBytes });
    } else {
      const { maxUnits } = options.text;
      this.#longLines = new LongLines(context, tooLong, { maxLineLength: maxUnits });
    }
    if (known) this.#goTo(known);
  }

  /** Where the stream ends when all of it was read. */
  get end(): number {
    return coveredBy(this.info.size);
  }

  /** Have the channels settled all of it, so that it may be renamed or removed? */
  get isSettled(): boolean {
    const status = this.#context.streams.get(this.stream);
    return status !== undefined && status.settled >= this.end;
  }

  /** Makes the stream known, before anything of it is emitted. */
  introduce(): void {
    this.#introduced = true;
    const { stream } = this;
    const status = this.#context.streams.introduce(stream, this.#identity(), this.#first);
    this.#goTo(status);
  }

  /** Emits what is there, within a turn's bound; failures of emits come later, as `failure`. */
  async read(window: EmitWindow, signal: AbortSignal): Promise<ReadOutcome> {
    if (!this.#introduced) this.introduce();
    if (this.position >= this.end) return 'end';
    const handle = await this.#open();
    if (!handle) return 'gone';
    if (this.info.size === 0) return this.#readEmpty(handle, window);
    if (this.#groups) this.#inside ??= !(await this.#isLineStart(handle));
    const turnEnd = this.position + turnBytes;
    let next: Promise<Chunk> | undefined = this.#readChunk(handle);
    while (next) {
      const chunk: Chunk = await next;
      next = undefined;
      const from = this.position;
      const isLast = from + chunk.length >= this.info.size;
      // A program that is not done with the file may be about to end its last line.
      const hasChanged = (isLast || chunk.length === 0) && !(await this.#isUnchanged(handle));
      const found = this.#find(chunk, isLast && !hasChanged);
      const grown = this.#advance(found.lines, chunk.slab) || this.#wantMore(chunk);
      const more = grown && found.badAt === undefined && !hasChanged;
      const turnOver = this.position >= turnEnd || signal.aborted || this.failure !== undefined;
      if (more && !turnOver) {
        // Read ahead while what is here is emitted.
        next = this.#readChunk(handle);
        next.catch(() => {});
      }
      await this.#emit(found.slab, found.lines, from, window);
      releaseSlab(chunk.slab);
      if (found.badAt !== undefined) return { kind: 'undecodable', offset: found.badAt };
      if (hasChanged) return { kind: 'changed' };
      if (more && !next) return 'more';
    }
    return this.position >= this.end ? 'end' : { kind: 'changed' };
  }

  /** Goes back to what the channels hold, after a failed emit. */
  goBack(): void {
    this.failure = undefined;
    const status = this.#context.streams.get(this.stream);
    if (status) this.#goTo(status);
  }

  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    await handle?.close();
  }

  /** Notes how what was delivered ends, so that the file is known again when it was repaired. */
  async noteEnd(): Promise<void> {
    const held = this.#context.streams.get(this.stream)?.held ?? 0;
    const handle = await this.#open().catch(() => undefined);
    if (!handle || held > this.info.size) return;
    const length = Math.min(proofBytes, held);
    const tail = proofOf(held - length, await readBytes(handle, held - length, length));
    // What comes after may be what is to be repaired.
    const head = proofOf(0, this.#head.subarray(0, held));
    const identity = { ...this.#identity(), head, tail };
    this.#context.streams.introduce(this.stream, identity, this.#first);
  }

  #identity(): SpoolIdentity {
    const { device, inode, size, mtimeMs, bornMs } = this.info;
    const proofs = { head: proofOf(0, this.#head), tail: null };
    const { path } = this;
    return { device, inode, path, size, mtimeMs, ...proofs, born: bornMs ?? null, gone: null };
  }

  #goTo(status: StreamStatus): void {
    this.position = status.held;
    this.#edges = status.islands.flat().filter((edge) => edge > status.held);
    this.#edges.sort((a, b) => a - b);
    this.#want = chunkBytes;
    this.#longLines.inside = false;
    this.#inside = undefined;
  }

  /** Opens the file by its name; `undefined` when that leads to another file or none. */
  async #open(): Promise<InputFile | undefined> {
    if (this.#handle) return this.#handle;
    const handle = await InputFile.open(this.path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    if (handle && keyOf(fileInfo(await handle.stat())) !== keyOf(this.info)) {
      await handle.close();
      return undefined;
    }
    this.#handle = handle;
    return handle;
  }

  async #isUnchanged(handle: InputFile): Promise<boolean> {
    return isUnchanged(this.info, fileInfo(await handle.stat()));
  }

  /** The one event of an empty file. */
  async #readEmpty(handle: InputFile, window: EmitWindow): Promise<ReadOutcome> {
    if (!(await this.#isUnchanged(handle))) return { kind: 'changed' };
    const lines = {
      count: 1,
      starts: new Uint32Array(1),
      ends: new Uint32Array(1),
      offsets: Float64Array.of(this.end),
      pieces: [],
    };
    this.position = this.end;
    await this.#emit(Buffer.alloc(0), lines, 0, window);
    return 'end';
  }

  /** The offset that a read must not pass: the end of the file, or an edge. */
  get #limit(): number {
    while (this.#edges.length > 0 && (this.#edges[0] as number) <= this.position) {
      this.#edges.shift();
    }
    return Math.min(this.info.size, this.#edges[0] ?? this.info.size);
  }

  async #readChunk(handle: InputFile): Promise<Chunk> {
    const want = Math.max(0, Math.min(this.#want, this.#limit - this.position));
    const slab = this.#options.slabs.take(want);
    const from = this.position;
    // A small file was read when it was picked up; whether it is the same is looked at later.
    let length = from + want > this.#head.length ? 0 : this.#head.copy(slab, 0, from, from + want);
    while (length < want) {
      const bytesRead = await handle.read([slab.subarray(length, want)], from + length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return { slab, length };
  }

  #find({ slab, length }: Chunk, isFinal: boolean): FoundLines {
    const end = this.position + length;
    const atEdge = this.#edges[0] === end;
    const expected = Math.min(length, (length / this.#lineBytes) * 1.2);
    const final = isFinal || atEdge;
    const found = this.#text.find({ slab, length, base: this.position, final, expected });
    if (!this.#groups) return found;
    const closes = final || found.badAt !== undefined;
    const lines = this.#groups.join(found.slab, found.lines, this.#inside ?? false, closes);
    return { ...found, lines };
  }

  /** Moves on to behind these lines. Returns whether there were any, and more follows. */
  #advance(lines: Lines, slab: Buffer): boolean {
    if (lines.count === 0) return false;
    const from = this.position;
    this.position = lines.offsets[lines.count - 1] as number;
    const bytes = this.position - from;
    this.#lineBytes = Math.max(1, bytes / lines.count);
    this.#inside = !this.#text.endsLine(slab.subarray(Math.max(0, bytes - 2), bytes));
    this.#longLines.note(this.path, from, lines);
    this.#want = this.#longLines.inside ? this.#options.slabs.longBytes : chunkBytes;
    return this.position < this.info.size;
  }

  async #isLineStart(handle: InputFile): Promise<boolean> {
    const from = Math.max(0, this.position - 2);
    return (
      this.position === 0 ||
      this.#text.endsLine(await readBytes(handle, from, this.position - from))
    );
  }

  /** A line longer than the chunk: true when more of it can be read. */
  #wantMore(chunk: Chunk): boolean {
    if (this.position >= this.end || chunk.length < this.#want) return false;
    this.#want = Math.min(this.#want * 2, this.#options.slabs.longBytes);
    return true;
  }

  async #emit(slab: Buffer, lines: Lines, base: number, window: EmitWindow): Promise<void> {
    const { batchSize } = this.#options;
    const { count, starts, ends, offsets } = lines;
    for (let first = 0; first < count; first += batchSize) {
      if (window.full) await window.room();
      if (this.failure !== undefined) return;
      const last = Math.min(first + batchSize, count);
      const from = first === 0 ? base : (offsets[first - 1] as number);
      const to = offsets[last - 1] as number;
      const batch = new EventBatch(
        slab,
        starts.subarray(first, last),
        ends.subarray(first, last),
        this.#headers,
        { stream: this.stream, from, to, ends: offsets.subarray(first, last) },
      );
      window.add(this.#context.emit(batch), slab, to - from, this.#failed);
    }
  }

  readonly #failed = (error: unknown) => {
    this.failure ??= error;
  };
}

/** Is the file as it was when it was picked up, as far as its size and time tell? */
export function isUnchanged(before: FileInfo, now: FileInfo): boolean {
  return keyOf(before) === keyOf(now) && before.size === now.size && before.mtimeMs === now.mtimeMs;
}
