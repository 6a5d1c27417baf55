import type { Clock } from '../../core/clock.ts';
import type { FileInfo } from '../../files/file-info.ts';
import { keyOf } from '../../files/file-info.ts';
import { proofBytes, readBytes } from '../../files/proof.ts';
import type { Candidate } from './candidates.ts';
import type { FoundFile } from './listing.ts';
import type { TailedFile } from './tailed-file.ts';

/**
 * How long a file that repeats a tailed one must be unchanged before it counts as a file of its
 * own.
 */
export const copyWaitMs = 5_000;
/** The longest wait for a file that keeps growing. */
const longestWaitMs = 300_000;

interface PossibleCopy {
  readonly firstSeenAt: number;
  changedAt: number;
  info: FileInfo;
}

/** Files that may be copies in the making: they are left alone for a while. */
export class PossibleCopies {
  readonly #clock: Clock;
  readonly #copies = new Map<string, PossibleCopy>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Forgets the files that are no longer there. */
  keepOnly(found: ReadonlyMap<string, FoundFile>): void {
    for (const key of this.#copies.keys()) if (!found.has(key)) this.#copies.delete(key);
  }

  delete(key: string): void {
    this.#copies.delete(key);
  }

  /**
   * May the file be a copy in the making, of one of these? Then the original may be about to be cut
   * back, or was just now. A file that stays a copy of a whole file is read in the end, as any
   * other.
   */
  async repeats(candidate: Candidate, tails: TailHeads): Promise<boolean> {
    const { file, head } = candidate;
    const { changedAt, firstSeenAt } = this.#note(file);
    const now = this.#clock.monotonic();
    if (now - firstSeenAt >= longestWaitMs) return false;
    const waits = now - changedAt < copyWaitMs;
    for (const tail of tails.alike(head)) {
      if (tail.deleted || isOlder(file.info, tail.info)) continue;
      const relation = await relationOf(candidate, tail);
      if (relation === 'unclear' || (relation === 'repeats' && waits)) return true;
    }
    return false;
  }

  /**
   * May the file, which begins like one that was cut back, yet become as long? It does not matter
   * when it stays as it is: then it is a copy that was made a moment too early.
   */
  mayGrow(file: FoundFile): boolean {
    const { firstSeenAt, changedAt } = this.#note(file);
    return changedAt <= firstSeenAt || this.#clock.monotonic() - firstSeenAt < longestWaitMs;
  }

  #note({ info }: FoundFile): PossibleCopy {
    const now = this.#clock.monotonic();
    const key = keyOf(info);
    const known = this.#copies.get(key);
    if (!known) {
      const age = Math.max(0, this.#clock.now() - info.mtimeMs);
      const copy = { firstSeenAt: now, changedAt: now - age, info };
      this.#copies.set(key, copy);
      return copy;
    }
    if (known.info.size !== info.size || known.info.mtimeMs !== info.mtimeMs) known.changedAt = now;
    known.info = info;
    return known;
  }
}

/**
 * How a file stands to a tailed one that begins alike. `unclear`: that one was cut back, or lost
 * its name, since it was last looked at; the next scan parts it from its stream, and then the file
 * is compared with what that stream was.
 */
async function relationOf(
  { file, handle }: Candidate,
  tail: TailedFile,
): Promise<'repeats' | 'differs' | 'unclear'> {
  const { size } = file.info;
  const length = Math.min(proofBytes, size);
  const end = await readBytes(handle, size - length, length);
  try {
    const original = await tail.open();
    if (!original) return unclear(tail);
    // Its size in the listing may be older than the copy.
    const equal = end.equals(await readBytes(original, size - length, length));
    if (equal && (await original.stat()).size >= size) return 'repeats';
    return (await tail.isSound()) ? 'differs' : unclear(tail);
  } catch {
    // One that can't be read says so itself; it is given as long as one that is whole.
    return 'repeats';
  }
}

function unclear(tail: TailedFile): 'unclear' {
  tail.dirty = true;
  return 'unclear';
}

/** How many bytes of their beginning tailed files are grouped by. */
const groupBytes = 24;

/** Tailed files by how they begin: there may be thousands, and most begin in their own way. */
export class TailHeads {
  readonly #groups = new Map<string, TailedFile[]>();
  readonly #short: TailedFile[] = [];

  add(tail: TailedFile): void {
    const { head } = tail;
    if (head.length < groupBytes) {
      this.#short.push(tail);
      return;
    }
    const key = head.toString('latin1', 0, groupBytes);
    const group = this.#groups.get(key);
    if (group) group.push(tail);
    else this.#groups.set(key, [tail]);
  }

  /** Those that begin like this, or of which this begins like all that was seen of them. */
  alike(head: Buffer): readonly TailedFile[] {
    const groups =
      head.length < groupBytes
        ? [...this.#groups.values()]
        : [this.#groups.get(head.toString('latin1', 0, groupBytes)) ?? []];
    return [this.#short, ...groups].flat().filter((tail) => beginsAlike(head, tail.head));
  }
}

/**
 * Orders files so that a copy comes after its original. Made within one tick of the file system's
 * clock, the longer one is not a copy in the making of the other.
 */
export function originalsFirst(a: FileInfo, b: FileInfo): number {
  return a.perhapsBornMs - b.perhapsBornMs || b.size - a.size;
}

/** Are the shorter one's bytes the other's first? */
function beginsAlike(a: Buffer, b: Buffer): boolean {
  const length = Math.min(a.length, b.length);
  return length > 0 && a.compare(b, 0, length, 0, length) === 0;
}

/** Was the first file made before the second, as far as the file system tells? */
function isOlder(file: FileInfo, other: FileInfo): boolean {
  return file.bornMs !== undefined && other.bornMs !== undefined && file.bornMs < other.bornMs;
}
