import type { StreamStatus } from '../../core/channel.ts';
import type { SourceContext } from '../../core/source.ts';
import type { FileInfo } from '../../files/file-info.ts';
import { keyOf } from '../../files/file-info.ts';
import type { InputFile } from '../../files/input-file.ts';
import type { SpoolIdentity } from './identity.ts';
import { coveredBy, isStreamOf, parseIdentity } from './identity.ts';
import type { SpoolFile } from './listing.ts';

/** A stream whose file is gone, and that was not read to its end, is forgotten after this. */
const retireMs = 24 * 60 * 60 * 1000;

/** The streams that the channels know and of which no file was picked up yet. */
export class LostStreams {
  readonly #context: SourceContext;
  readonly #streams = new Map<string, SpoolIdentity>();
  /** By path, and by inode: there may be thousands. */
  readonly #byPlace = new Map<string | number, Set<string>>();

  constructor(context: SourceContext) {
    this.#context = context;
  }

  /** Takes up the streams that the channels know. */
  load(): void {
    for (const stream of this.#context.streams.all().keys()) this.add(stream);
  }

  /** A stream without a file from now on. */
  add(stream: string): void {
    const status = this.#context.streams.get(stream);
    const identity = status && parseIdentity(status.identity);
    if (identity) this.#set(stream, identity);
    else this.#context.log.warn({ stream }, 'Stream has an identity that is not understood.');
  }

  /** The stream of which this is the file; it is not lost any more. */
  async claim(
    path: string,
    info: FileInfo,
    file: InputFile,
  ): Promise<{ readonly stream: string; readonly status: StreamStatus } | undefined> {
    for (const place of [info.inode, path]) {
      for (const stream of this.#byPlace.get(place) ?? []) {
        const identity = this.#streams.get(stream);
        const status = this.#context.streams.get(stream);
        if (!identity || !status) continue;
        if (!(await isStreamOf(identity, status, path, info, file))) continue;
        this.#delete(stream, identity);
        if (identity.size !== info.size || identity.mtimeMs !== info.mtimeMs) {
          const fields = { path, readBytes: status.held, fileBytes: info.size };
          this.#context.log.info(fields, 'File is not as it was; it is gone on with where it was.');
        }
        return { stream, status };
      }
    }
    return undefined;
  }

  /**
   * Forgets streams whose file is gone: at once when all of it was delivered, else after a day.
   *
   * @param files everything that is there
   */
  lookAfter(files: readonly SpoolFile[]): void {
    if (this.#streams.size === 0) return;
    const paths = new Set(files.map(({ path }) => path));
    const keys = new Set(files.map(({ info }) => keyOf(info)));
    for (const [stream, identity] of this.#streams) {
      const { path, device, inode } = identity;
      // Its turn will come.
      if (paths.has(path) || keys.has(`${device}-${inode}`)) continue;
      const status = this.#context.streams.get(stream);
      const isWhole = status && status.held >= coveredBy(identity.size);
      const now = this.#context.clock.now();
      const isOver = !status || isWhole || now - (identity.gone ?? now) >= retireMs;
      if (!isOver) this.#markGone(stream, identity, status);
      else if (!status || (status.settled >= status.held && status.islands.length === 0)) {
        this.#delete(stream, identity);
        if (status) this.#context.streams.retire(stream);
      }
    }
  }

  #markGone(stream: string, identity: SpoolIdentity, status: StreamStatus): void {
    if (identity.gone !== null) return;
    const { path, size } = identity;
    this.#context.counters.EventReadFail++;
    const fields = { path, readBytes: status.held, fileBytes: size };
    this.#context.log.error(fields, 'File is gone, and not all of it was read.');
    const marked = { ...identity, gone: this.#context.clock.now() };
    this.#set(stream, marked);
    this.#context.streams.introduce(stream, marked, status.first);
  }

  #set(stream: string, identity: SpoolIdentity): void {
    this.#streams.set(stream, identity);
    for (const place of [identity.inode, identity.path]) {
      const streams = this.#byPlace.get(place);
      if (streams) streams.add(stream);
      else this.#byPlace.set(place, new Set([stream]));
    }
  }

  #delete(stream: string, identity: SpoolIdentity): void {
    this.#streams.delete(stream);
    for (const place of [identity.inode, identity.path]) {
      const streams = this.#byPlace.get(place);
      streams?.delete(stream);
      if (streams?.size === 0) this.#byPlace.delete(place);
    }
  }
}
