import type { SourceContext } from '../../core/source.ts';
import { fileInfo, keyOf } from '../../files/file-info.ts';
import { InputFile } from '../../files/input-file.ts';
import { proofBytes, readBytes } from '../../files/proof.ts';
import type { FoundFile } from './listing.ts';

/** Unreadable files that are remembered, so that each is said once. */
const mostComplaints = 10_000;

/** A file that belongs to no stream yet. */
export interface Candidate {
  readonly file: FoundFile;
  /** Open while the candidate is looked at. */
  readonly handle: InputFile;
  /** Its first bytes, up to 1 KiB. */
  readonly head: Buffer;
}

/** Looks into files that belong to no stream yet. */
export class Candidates {
  readonly #context: SourceContext;
  readonly #unreadable = new Map<string, string>();

  constructor(context: SourceContext) {
    this.#context = context;
  }

  /**
   * Does something with a file while it is open, as it is by now: since it was listed it may have
   * grown. What can't be read is said once; `unreadable` as well when it is empty, or another file
   * by now.
   */
  async opened<T>(
    file: FoundFile,
    work: (candidate: Candidate) => Promise<T>,
  ): Promise<T | 'unreadable'> {
    let handle: InputFile | undefined;
    try {
      handle = await InputFile.open(file.path);
      const info = fileInfo(await handle.stat());
      if (keyOf(info) !== keyOf(file.info) || info.size === 0) return 'unreadable';
      const head = await readBytes(handle, 0, Math.min(proofBytes, info.size));
      const result = await work({ file: { ...file, info }, handle, head });
      this.#unreadable.delete(file.path);
      return result;
    } catch (error) {
      this.#complain(file.path, error);
      return 'unreadable';
    } finally {
      await handle?.close();
    }
  }

  #complain(path: string, error: unknown): void {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return;
    this.#context.counters.EventReadFail++;
    if (this.#unreadable.get(path) === code) return;
    if (this.#unreadable.size >= mostComplaints) this.#unreadable.clear();
    this.#unreadable.set(path, code);
    this.#context.log.warn({ path, error }, 'File can not be read; tried again.');
  }
}
