import { basename, dirname } from 'node:path';
import type { StreamStatus } from '../../core/channel.ts';
import type { SourceContext } from '../../core/source.ts';
import { keyOf } from '../../files/file-info.ts';
import { inParallel } from '../../files/parallel.ts';
import { proofBytes } from '../../files/proof.ts';
import type { Candidate } from './candidates.ts';
import { Candidates } from './candidates.ts';
import { originalsFirst, PossibleCopies, TailHeads } from './copies.ts';
import type { FileGroup } from './groups.ts';
import type { Identity, Likeness } from './identity.ts';
import { compare, parseIdentity, sameBirth } from './identity.ts';
import type { FoundFile, Listing } from './listing.ts';
import { allFiles } from './listing.ts';
import type { LostStream } from './lost-streams.ts';
import { LostStreams } from './lost-streams.ts';
import type { OpenFiles } from './open-files.ts';
import type { TailOptions } from './tail-options.ts';
import { TailedFile } from './tailed-file.ts';

/*
 * Which stream is a file? In this order:
 * 1. The one that is read from the same inode, while the file is open or has what was read from it.
 * 2. A stream without a file whose inode it is, when both proofs agree.
 * 3. A stream without a file whose proofs agree: the copy that copytruncate made, a file moved from
 *    another file system. One that begins alike and is still shorter is waited for.
 * 4. A file that so far repeats one that is tailed may be a copy whose original is about to be cut
 *    back: it is left alone for as long as it grows, and a little longer.
 * 5. Else it is a new stream.
 */

/** A stream whose file is gone is forgotten after this. */
const retireMs = 24 * 60 * 60 * 1000;

/**
 * What a rotation adds to a name: `.1`, `-20261124`, `.2026-11-24`. A copy's name begins without
 * it.
 */
const rotationNumber = /(?:[-.]\d+)+$/;

/** A stream whose own file is no more. */
type Claimable = LostStream & {
  /** Its deleted file, while that is still open. */
  readonly tail?: TailedFile;
};

/** A file that is not, by its inode, one that is known. */
type Stranger = Pick<Candidate, 'file' | 'head'>;

/** Where a file begins that no channel knows. */
export interface Beginnings {
  /** Offsets, by `nameKey`. */
  readonly positions: ReadonlyMap<string, number>;
  readonly skipToEnd: boolean;
}

/** A file as Flume's position file knows it. */
export const nameKey = (inode: number, path: string) => `${inode} ${path}`;

/** Knows every file that is tailed, and finds the file of every stream. */
export class StreamMatcher {
  /** By inode. */
  readonly tails = new Map<string, TailedFile>();
  readonly #byPath = new Map<string, TailedFile>();
  readonly #lost = new LostStreams();
  /** Inode and path of the files that channels knew at the start. */
  readonly #knownNames = new Set<string>();
  readonly #copies: PossibleCopies;
  readonly #candidates: Candidates;
  readonly #options: TailOptions;
  readonly #context: SourceContext;
  readonly #openFiles: OpenFiles;
  readonly #groups: readonly FileGroup[];

  constructor(
    options: TailOptions,
    groups: readonly FileGroup[],
    context: SourceContext,
    openFiles: OpenFiles,
  ) {
    this.#options = options;
    this.#groups = groups;
    this.#context = context;
    this.#openFiles = openFiles;
    this.#copies = new PossibleCopies(context.clock);
    this.#candidates = new Candidates(context);
  }

  /** Takes up the streams that the channels know. */
  load(): void {
    for (const [stream, status] of this.#context.streams.all()) {
      const identity = parseIdentity(status.identity);
      if (identity) {
        this.#lost.set({ stream, identity, lostAtMs: undefined });
        this.#knownNames.add(nameKey(identity.inode, identity.path));
      } else this.#context.log.warn({ stream }, 'Stream has an identity that is not understood.');
    }
  }

  /**
   * Brings the files that are tailed in line with what was found.
   *
   * @param beginnings given when the source starts, for files that no channel knows
   */
  async match(listing: Listing, beginnings?: Beginnings): Promise<void> {
    const found = new Map<string, FoundFile>();
    for (const file of listing.files) {
      const key = keyOf(file.info);
      // Several names of one inode are one file: the name it had is kept, else the first counts.
      if (!found.has(key) || this.tails.get(key)?.path === file.path) found.set(key, file);
    }
    this.#copies.keepOnly(found);
    const seen = new Set<TailedFile>();
    for (const [key, file] of found) {
      const tail = this.tails.get(key);
      if (!tail || !(await this.#goesOn(tail, file))) continue;
      seen.add(tail);
      if (!tail.blank || file.info.size === 0) found.delete(key);
    }
    await this.#lookAfterMissing(seen, listing);
    const strangers: FoundFile[] = [];
    for (const file of found.values()) {
      if (file.info.size > 0) strangers.push(file);
      else await this.#beginBlank(file);
    }
    if (strangers.length > 0) strangers.push(...(await this.#replaced(seen)));
    await this.#findStreams(strangers, beginnings);
    await this.#lookAfterLost(listing);
    this.#byPath.clear();
    for (const tail of this.tails.values()) this.#byPath.set(tail.path, tail);
  }

  /** The tailed file that had this path in the last scan. */
  byPath(path: string): TailedFile | undefined {
    return this.#byPath.get(path);
  }

  /** Does a group name this path? */
  isNamed(path: string): boolean {
    const [directory, name] = [dirname(path), basename(path)];
    return this.#groups.some((group) => {
      return group.directory === directory && group.pattern.test(name);
    });
  }

  /**
   * Parts a stream from its file. `replaced`: the file no longer has what was read from it; the
   * stream goes on if there is a copy. `gone`: nothing more will come.
   *
   * @param goneAtMs the file system's time by which the file was gone, where another has its inode
   */
  async lose(tail: TailedFile, reason: 'replaced' | 'gone', goneAtMs?: number): Promise<void> {
    this.tails.delete(tail.key);
    // When it was cut back: a read may have noticed that before anything has looked at the times.
    await tail.look().catch(() => undefined);
    await tail.close();
    const { stream, info, path } = tail;
    const status = this.#context.streams.get(stream);
    if (!status) return;
    const cutAtMs = reason === 'replaced' ? (goneAtMs ?? info.mtimeMs) : undefined;
    const lostAtMs = tail.deleted ? info.ctimeMs : cutAtMs;
    const lost = { stream, identity: tail.identity(), lostAtMs };
    this.#lost.set(lost);
    if (reason === 'gone') return this.#markGone(lost);
    this.#context.streams.introduce(stream, lost.identity, status.first);
    const said = 'File was cut back or replaced; it is read from its beginning.';
    this.#context.log.info({ path, readBytes: tail.position }, said);
  }

  /** Is it still the file that was tailed under this inode? */
  async #goesOn(tail: TailedFile, { path, group, info }: FoundFile): Promise<boolean> {
    const reused = !tail.isOpen && !sameBirth(tail.identity(), info);
    if (!reused && tail.path !== path) {
      this.#context.log.info({ from: tail.path, to: path }, 'File was renamed; it goes on.');
    }
    if (!reused) {
      tail.rename(path, group);
      tail.listed = true;
      tail.seen(info);
      if (info.size >= tail.readEnd) return true;
    }
    await this.lose(tail, 'replaced', reused ? info.bornMs : undefined);
    return false;
  }

  /**
   * Changed files that no longer have what was read from them. Only when there are strangers this
   * can't wait until they are read: one of the strangers may be the copy.
   */
  async #replaced(tails: Iterable<TailedFile>): Promise<readonly FoundFile[]> {
    const files: FoundFile[] = [];
    const changed = [...tails].filter((tail) => tail.dirty);
    await inParallel(changed, async (tail) => {
      // What can't be read now is read again with the others, and said there.
      if (await tail.isSound().catch(() => true)) return;
      await this.lose(tail, 'replaced');
      const { path, group, info } = tail;
      if (info.size > 0) files.push({ path, group, info });
    });
    return files;
  }

  /** Tailed files that no group names any more: renamed away or deleted. */
  async #lookAfterMissing(seen: ReadonlySet<TailedFile>, listing: Listing): Promise<void> {
    const others = new Map<string, readonly FoundFile[] | undefined>();
    for (const tail of [...this.tails.values()]) {
      const directory = dirname(tail.path);
      if (seen.has(tail) || !listing.directories.has(directory)) continue;
      const wasListed = tail.listed;
      tail.listed = false;
      if (tail.isOpen) {
        // What is wrong with it is said when it is read.
        await tail.look().catch(() => undefined);
        tail.blank = false;
        tail.dirty ||= wasListed;
        continue;
      }
      if (!wasListed) continue;
      if (!others.has(directory)) others.set(directory, await allFiles(directory, tail.group));
      const file = others.get(directory)?.find(({ info }) => keyOf(info) === tail.key);
      if (file && sameBirth(tail.identity(), file.info)) {
        tail.rename(file.path, tail.group);
        tail.seen(file.info);
        tail.blank = false;
        tail.dirty = true;
      } else await this.lose(tail, 'gone');
    }
  }

  async #findStreams(files: readonly FoundFile[], beginnings?: Beginnings): Promise<void> {
    const known = new TailHeads();
    for (const tail of this.tails.values()) known.add(tail);
    const strangers: Stranger[] = [];
    await inParallel(files, async (each) => {
      await this.#candidates.opened(each, async (candidate) => {
        const { file, head } = candidate;
        const tail = await this.#byInode(candidate);
        if (tail) known.add(tail);
        else strangers.push({ file, head });
      });
    });
    // A copy comes after its original.
    strangers.sort((a, b) => originalsFirst(a.file.info, b.file.info));
    const deleted = [...this.tails.values()].filter((tail) => tail.deleted && tail.isOpen);
    const begun: TailedFile[] = [];
    for (const stranger of strangers) {
      // Most begin in their own way: they need not be opened once more.
      const isNew = !this.#isAlike(stranger.head, known, deleted);
      if (isNew || (await this.#standsAlone(stranger.file, known, deleted))) {
        const tail = await this.#begin(stranger, beginnings);
        known.add(tail);
        begun.push(tail);
      }
    }
    // In one turn, so that the channels write them at once.
    for (const tail of begun) tail.introduceNew();
  }

  /** Does a file with this head begin like anything that is or was tailed? */
  #isAlike(head: Buffer, known: TailHeads, deleted: readonly TailedFile[]): boolean {
    if (deleted.length > 0 || known.alike(head).length > 0) return true;
    return this.#lost.beginningLike(head).length > 0;
  }

  /** Is the file neither a stream that is known nor a possible copy of one? */
  async #standsAlone(
    file: FoundFile,
    known: TailHeads,
    deleted: readonly TailedFile[],
  ): Promise<boolean> {
    const alone = await this.#candidates.opened(file, async (candidate) => {
      if (await this.#byProof(candidate, deleted)) return false;
      return !(await this.#copies.repeats(candidate, known));
    });
    return alone === true;
  }

  /** The stream without a file that has this inode. */
  async #byInode({ file, handle, head }: Candidate): Promise<TailedFile | undefined> {
    const { info } = file;
    for (const { stream, identity } of this.#lost.withInode(info.inode)) {
      if (!sameBirth(identity, info)) continue;
      const status = this.#context.streams.get(stream);
      if (!status) continue;
      const likeness = await compare(handle, info.size, identity, status.held);
      if (likeness === 'same') {
        const tail = await this.#attach(stream, file, status);
        // Not to be opened for nothing: there may be thousands that nobody writes to any more.
        tail.dirty = tail.unreadBytes > 0 || !tail.idle;
        tail.head = head;
        return tail;
      }
      if (likeness === 'shorter' && identity.boot !== this.#options.boot) {
        return this.#afterPowerLoss(file, status);
      }
    }
    return undefined;
  }

  /** The file's unsynced end went with the power: it is read on from where it ends now. */
  #afterPowerLoss(file: FoundFile, status: StreamStatus): Promise<TailedFile> {
    const { path, info } = file;
    const said = 'File lost its end with the power after it was read; read on from where it ends.';
    this.#context.log.warn({ path, readBytes: status.held, fileBytes: info.size }, said);
    return this.#attach(this.#newName(file), file, undefined, info.size);
  }

  /**
   * Takes the file for a stream whose proofs it has. True as well when that is to be waited for.
   */
  async #byProof(candidate: Candidate, deleted: readonly TailedFile[]): Promise<boolean> {
    const { file, head } = candidate;
    let shorter = false;
    for (const lost of this.#claimable(file.path, head, deleted)) {
      const likeness = await this.#compareCopy(lost, candidate);
      if (likeness === 'shorter') shorter = true;
      if (likeness === 'same' && (await this.#attachCopy(lost, file))) return true;
    }
    return shorter && this.#copies.mayGrow(file);
  }

  /** Streams whose own file is no more and began like this, those of the path first. */
  #claimable(path: string, head: Buffer, deleted: readonly TailedFile[]): readonly Claimable[] {
    const lost: Claimable[] = [...this.#lost.beginningLike(head)];
    for (const tail of deleted) {
      if (!tail.isOpen) continue;
      const { stream, info } = tail;
      lost.push({ stream, identity: tail.identity(), lostAtMs: info.ctimeMs, tail });
    }
    const rank = ({ identity }: Claimable) => (identity.path === path ? 0 : 1);
    return lost.sort((a, b) => rank(a) - rank(b));
  }

  async #compareCopy(
    { stream, identity, lostAtMs, tail }: Claimable,
    { file: { info }, handle }: Candidate,
  ): Promise<Likeness> {
    const { head, device, inode } = identity;
    if (head.length === 0) return 'different';
    // The file that was cut back is no copy of what it was.
    if (inode === info.inode && device === info.device) return 'different';
    const held = this.#context.streams.get(stream)?.held;
    if (held === undefined) return 'different';
    // While the deleted file is open, it has at least as much as a copy.
    const least = Math.max(held, tail?.info.size ?? 0);
    const likeness = await compare(handle, info.size, identity, least);
    const late = lostAtMs !== undefined && info.perhapsBornMs > lostAtMs;
    if (!late || head.length === proofBytes) return likeness;
    // A few equal bytes prove little: then a copy must at least have been there before the loss.
    return likeness === 'same' && identity.tail.length === proofBytes ? 'same' : 'different';
  }

  async #attachCopy({ stream, tail }: Claimable, file: FoundFile): Promise<boolean> {
    const status = this.#context.streams.get(stream);
    const other = this.tails.get(keyOf(file.info));
    if (!status || (other && !other.blank)) return false;
    if (tail) {
      this.tails.delete(tail.key);
      await tail.close();
    }
    await this.#attach(stream, file, status);
    const said = 'File has what was read under another name; it goes on from there.';
    this.#context.log.info({ path: file.path, readBytes: status.held }, said);
    return true;
  }

  async #begin({ file, head }: Stranger, beginnings: Beginnings | undefined): Promise<TailedFile> {
    const { path, info } = file;
    let first = 0;
    if (beginnings && !this.#knownNames.has(nameKey(info.inode, path))) {
      const position = beginnings.positions.get(nameKey(info.inode, path));
      if (position !== undefined && position <= info.size) first = position;
      else if (beginnings.skipToEnd) first = info.size;
    }
    const tail = await this.#attach(this.#newName(file), file, undefined, first);
    tail.head = head;
    return tail;
  }

  /**
   * An empty file says nothing of whose it is: what comes may be a copy. But it is open from now
   * on, so that it is not lost when it is written and renamed away.
   */
  async #beginBlank(file: FoundFile): Promise<void> {
    const tail = await this.#attach(this.#newName(file), file);
    tail.blank = true;
    tail.dirty = false;
    // Said when it is to be read.
    await tail.open().catch(() => undefined);
  }

  #newName({ info }: FoundFile): string {
    for (;;) {
      const random = this.#context.random.bytes(4).toString('hex');
      const stream = `${this.#context.name}/${keyOf(info)}-${random}`;
      if (!this.#context.streams.get(stream)) return stream;
    }
  }

  async #attach(
    stream: string,
    file: FoundFile,
    status?: StreamStatus,
    first = 0,
  ): Promise<TailedFile> {
    const [options, context] = [this.#options, this.#context];
    const tail = new TailedFile(options, context, this.#openFiles, stream, file, first, status);
    await this.tails.get(tail.key)?.close();
    this.#lost.delete(stream);
    this.#copies.delete(tail.key);
    this.tails.set(tail.key, tail);
    return tail;
  }

  /** The group that a stream had, or would have by its path. */
  #groupOf({ group, path }: Identity): FileGroup | undefined {
    const near = this.#groups.filter(({ directory }) => directory === dirname(path));
    const named = this.#groups.find(({ name }) => name === group);
    const fitting = near.find(({ pattern }) => pattern.test(basename(path)));
    return named ?? fitting ?? near[0] ?? this.#groups[0];
  }

  /** Looks for the stream's file, or a copy, under a name that no group has. */
  async #findElsewhere(lost: LostStream): Promise<boolean> {
    const { identity, stream } = lost;
    const directory = dirname(identity.path);
    const original = identity.path.replace(rotationNumber, '');
    const group = this.#groupOf(identity);
    const status = this.#context.streams.get(stream);
    if (!group || !status) return false;
    for (const file of (await allFiles(directory, group)) ?? []) {
      const { info, path } = file;
      const sameInode = info.inode === identity.inode && sameBirth(identity, info);
      if (!sameInode && !path.startsWith(original)) continue;
      const other = this.tails.get(keyOf(info));
      if (info.size === 0 || (other && !other.blank)) continue;
      const likeness = await this.#candidates.opened(file, (candidate) => {
        return sameInode
          ? compare(candidate.handle, candidate.file.info.size, identity, status.held)
          : this.#compareCopy(lost, candidate);
      });
      if (likeness === 'same' && (await this.#attachCopy(lost, file))) return true;
    }
    return false;
  }

  /** Streams without a file: looked for once, then forgotten after a day. */
  async #lookAfterLost(listing: Listing): Promise<void> {
    for (const lost of this.#lost.values()) {
      const directory = dirname(lost.identity.path);
      const ours = this.#groups.some((group) => group.directory === directory);
      if (ours && !listing.directories.has(directory)) continue;
      const { gone } = lost.identity;
      if (gone === null) {
        if (!(await this.#findElsewhere(lost))) this.#markGone(lost);
        continue;
      }
      if (this.#context.clock.now() - gone < retireMs) continue;
      const status = this.#context.streams.get(lost.stream);
      if (status && (status.settled < status.held || status.islands.length > 0)) continue;
      if (status) this.#context.streams.retire(lost.stream);
      this.#lost.delete(lost.stream);
    }
  }

  #markGone(lost: LostStream): void {
    const status = this.#context.streams.get(lost.stream);
    const identity = { ...lost.identity, gone: this.#context.clock.now() };
    if (status) this.#context.streams.introduce(lost.stream, identity, status.first);
    this.#lost.set({ ...lost, identity });
  }
}
