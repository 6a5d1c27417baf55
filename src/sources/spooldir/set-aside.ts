import type { SourceContext } from '../../core/source.ts';
import type { FileInfo } from '../../files/file-info.ts';
import { keyOf } from '../../files/file-info.ts';
import type { SpoolFile } from './listing.ts';
import type { Trouble } from './spooled-file.ts';
import { isUnchanged } from './spooled-file.ts';

/** How long a file that changed must be still for its rest to be read. */
const stillMs = 60_000;
/** How often it is tried again to read or to rename what the system refused. */
const retryMs = 60_000;

interface Entry {
  /** As the file was when it was set aside. */
  readonly info: FileInfo;
  readonly trouble: Trouble;
  since: number;
  /** As it was when it was last seen. */
  seen: FileInfo;
}

/** Files with which something is wrong: each is said and counted once, and left alone a while. */
export class SetAside {
  readonly #context: SourceContext;
  readonly #entries = new Map<string, Entry>();

  constructor(context: SourceContext) {
    this.#context = context;
  }

  add({ path, info }: SpoolFile, trouble: Trouble, readBytes: number): void {
    const known = this.#entries.get(path);
    const since = this.#context.clock.monotonic();
    this.#entries.set(path, { info, trouble, since, seen: info });
    const isSaid = known?.trouble.kind === trouble.kind && keyOf(known.info) === keyOf(info);
    if (isSaid) return;
    this.#context.counters.EventReadFail++;
    this.#say(path, trouble, readBytes);
  }

  /** May a file that was found be picked up, for the first time or again? */
  allows({ path, info }: SpoolFile): boolean {
    const entry = this.#entries.get(path);
    if (!entry || keyOf(entry.info) !== keyOf(info)) return true;
    const { kind } = entry.trouble;
    if (kind === 'undecodable') return !isUnchanged(entry.info, info);
    const now = this.#context.clock.monotonic();
    if (kind === 'changed') {
      if (!isUnchanged(entry.seen, info)) entry.since = now;
      entry.seen = info;
      return now - entry.since >= stillMs;
    }
    return now - entry.since >= retryMs;
  }

  /** Nothing is wrong with it any more. */
  delete(path: string): void {
    this.#entries.delete(path);
  }

  /** Forgets the files that are no longer there. */
  keepOnly(paths: ReadonlySet<string>): void {
    for (const path of this.#entries.keys()) if (!paths.has(path)) this.#entries.delete(path);
  }

  get size(): number {
    return this.#entries.size;
  }

  #say(path: string, trouble: Trouble, readBytes: number): void {
    const { log } = this.#context;
    switch (trouble.kind) {
      case 'changed':
        log.error(
          { path, readBytes },
          'File changed after it was picked up; a file must be whole when it gets its name. ' +
            'What is missing is read once it has been still for a minute.',
        );
        break;
      case 'undecodable':
        log.error(
          { path, offset: trouble.offset },
          'File has bytes that are no character, see inputCharset and decodeErrorPolicy. ' +
            'The lines before are delivered; the file stays until it is repaired.',
        );
        break;
      case 'name-taken':
        log.error(
          { path, target: trouble.target },
          'File is delivered, but what it is to be renamed to exists. It stays until that is gone.',
        );
        break;
      case 'refused':
        log.warn({ path, error: trouble.error }, 'File can not be read or renamed; tried again.');
    }
  }
}
