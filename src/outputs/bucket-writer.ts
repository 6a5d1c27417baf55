import type { Range } from '../core/channel.ts';
import type { Clock } from '../core/clock.ts';
import type { Json } from '../core/component.ts';
import { asError, ConnectionError } from '../core/errors.ts';
import type { EventBatch } from '../core/event-batch.ts';
import type { Logger } from '../core/log.ts';
import type { SinkCounters } from '../core/metrics.ts';
import { splitRanges } from '../core/ranges.ts';
import type { EventSerializer } from '../core/serializer.ts';
import { Bucket, bucketKey, type FileNaming, type Share } from './bucket.ts';
import { BucketFile, type FileMemory, type FileParts } from './bucket-file.ts';
import type { Commits } from './commits.ts';
import { entryOf, type FileEntry, fileKey, finalPathOf, jsonOf, newKey } from './file-entry.ts';
import { FileExistsError, type FileSystem, type OutputFile } from './file-system.ts';
import { type Recovery, renameFree } from './recovery.ts';
import { within } from './within.ts';

/** When files end. Times in ms; 0: never, or no limit. */
export interface FileRules {
  readonly rollInterval: number;
  readonly rollSize: number;
  readonly rollCount: number;
  readonly idleTimeout: number;
  /** The longest time that events wait for the end of their block. */
  readonly flushInterval: number;
  readonly maxOpenFiles: number;
  /** Undefined: as many as the file system wants. */
  readonly minBlockReplicas: number | undefined;
  readonly callTimeout: number;
}

export interface WriterParts {
  readonly rules: FileRules;
  readonly naming: FileNaming;
  readonly fileSystem: FileSystem;
  readonly commits: Commits;
  readonly recovery: Recovery;
  readonly counters: SinkCounters;
  readonly clock: Clock;
  readonly log: Logger;
  readonly createSerializer: () => EventSerializer;
  /** Files are committed when they are closed. */
  readonly wholeFiles: boolean;
  /** The mark of the sink's entries in its state. */
  readonly entryType: string;
  /** What a file's entry says of the way to its file system. */
  readonly wayBack?: Pick<FileEntry, 'confDir' | 'proxyUser'>;
}

/** Buckets that are written to at once. */
const bucketsAtOnce = 128;
/** Files being closed, before another one is begun. */
const maxClosing = 128;
/** Files that wait for their recovery, before no new one is begun. */
const maxUnfinished = 256;
/** Bytes that are written and not committed, before a write waits. */
const maxUncommittedBytes = 32 * 1024 * 1024;
/** Bytes that all files together hold for their next blocks; beyond, the largest blocks end. */
const maxHeldBytes = 32 * 1024 * 1024;
/** So many events being committed are relief enough, for so long: what they take costs memory. */
const maxRelief = 65_536;
const reliefMs = 1_000;
/** A file is rolled so often in a row because replicas are missing; then it goes on without. */
const maxUnderReplicated = 30;
/** Names in a row that are taken, before that is an error. */
const maxNameClashes = 1_000;

/** A share of a batch that is being written. */
interface Work {
  readonly bucket: Bucket;
  events: EventBatch;
  ranges: readonly Range[];
}

/** A file that is being made. */
interface Making {
  readonly bucket: Bucket;
  readonly key: string;
  readonly entry: FileEntry;
  out?: OutputFile;
}

/**
 * The buckets with their files: opens, rolls and closes them by the rules. A bucket has one file at
 * a time; many buckets are written at once.
 */
export class BucketWriter {
  readonly #parts: WriterParts;
  /** The one that was used last stands last. */
  readonly #buckets = new Map<string, Bucket>();
  /** That one: many batches go where the one before went. */
  #last: Bucket | undefined;
  /** Files that are being closed, and failed ones some of whose events are being committed. */
  readonly #closing = new Set<Promise<void>>();
  /** Of buckets that are gone, the file that is being closed. */
  readonly #ending = new Map<string, BucketFile>();
  #relievedAt = 0;
  readonly #memory: FileMemory = { held: 0, uncommitted: 0 };
  #onProgress: (() => void) | undefined;
  #failure: Error | undefined;

  constructor(parts: WriterParts) {
    this.#parts = parts;
  }

  /**
   * Writes events to the files of their buckets. When it resolves, each is answered for by its
   * file.
   *
   * @throws what failed since the last call; nothing is in the hands of a file then
   */
  async write(shares: readonly Share[]): Promise<void> {
    for (let at = 0; at < shares.length && !this.#failure; at += bucketsAtOnce) {
      await this.#writeGroup(shares.slice(at, at + bucketsAtOnce));
      await this.#keepLimit();
    }
    while (this.#memory.uncommitted > maxUncommittedBytes && !this.#failure) {
      await new Promise<void>((resolve) => {
        this.#onProgress = resolve;
      });
    }
    await this.throwFailure();
  }

  /** Waits until every event is committed or released, if anything has failed, and says what. */
  async throwFailure(): Promise<void> {
    if (!this.#failure) return;
    await this.settled();
    // All that was lost comes again from here on, in order: nothing has to wait for a file before.
    for (const bucket of this.#buckets.values()) {
      bucket.before = undefined;
      bucket.file?.forgetBefore();
    }
    const failure = this.#failure;
    this.#failure = undefined;
    throw failure;
  }

  /** Ends the files that are too old, or that nothing came to for too long; and late blocks. */
  closeDue(): void {
    const { rollInterval, idleTimeout, flushInterval } = this.#parts.rules;
    const now = this.#parts.clock.monotonic();
    for (const bucket of this.#buckets.values()) {
      const { file, busy, openedAt, appendedAt } = bucket;
      if (!file) continue;
      const isOld = rollInterval > 0 && now - openedAt >= rollInterval;
      const isIdle = idleTimeout > 0 && !busy && now - appendedAt >= idleTimeout;
      if (isOld || isIdle) this.#closeSoon(bucket);
      else if (!file.isWhole && now - (file.heldSince ?? now) >= flushInterval) file.endBlock();
    }
  }

  /** At once, or when the write that uses it is done: a busy one would never be closed in time. */
  #closeSoon(bucket: Bucket): void {
    if (bucket.busy) bucket.isDue = true;
    else this.#closeBucket(bucket.key);
  }

  /** Are events in files that will only be committed later, whatever becomes of them? */
  get isHolding(): boolean {
    return this.#memory.held > 0 || (this.#parts.wholeFiles && this.#buckets.size > 0);
  }

  /** Gives way to puts that wait for room: ends all blocks, and the whole file with most events. */
  relieve(): void {
    let most: [key: string, events: number] | undefined;
    for (const [key, { file, busy }] of this.#buckets) {
      if (!file || busy) continue;
      if (!file.isWhole) file.endBlock();
      else if (file.events > (most?.[1] ?? 0)) most = [key, file.events];
    }
    const now = this.#parts.clock.monotonic();
    const ending = [...this.#ending.values()].reduce((sum, { events }) => sum + events, 0);
    if (!most || (ending >= maxRelief && now - this.#relievedAt < reliefMs)) return;
    this.#relievedAt = now;
    this.#closeBucket(most[0]);
  }

  /** Begins to end all files; one that a write uses, when that is done. */
  closeAll(): void {
    for (const bucket of this.#buckets.values()) this.#closeSoon(bucket);
  }

  /** Ends all files. */
  async close(): Promise<void> {
    this.closeAll();
    while (this.#closing.size > 0) await Promise.all(this.#closing);
    await this.#parts.commits.forgetNow();
  }

  /** Resolves when every event is committed or released; whole files are closed for that. */
  async settled(): Promise<void> {
    for (const [key, { file }] of this.#buckets) if (file?.isWhole) this.#closeBucket(key);
    const files = [...this.#buckets.values()].flatMap(({ file }) => file ?? []);
    await Promise.all(files.map((file) => file.settled()));
    while (this.#closing.size > 0) await Promise.all(this.#closing);
  }

  /** A write is done with it. */
  #free(bucket: Bucket): void {
    bucket.busy = false;
    if (bucket.isDue && this.#buckets.get(bucket.key) === bucket) this.#closeBucket(bucket.key);
  }

  async #writeGroup(shares: readonly Share[]): Promise<void> {
    let left: Work[] = shares.map(({ path, prefix, events, ranges }) => {
      return { bucket: this.#bucketOf(path, prefix), events, ranges };
    });
    const used = left.map(({ bucket }) => bucket);
    for (const bucket of used) bucket.busy = true;
    try {
      // After a failure nothing newer is written before what has to be written again.
      while (left.length > 0 && !this.#failure) {
        for (const { bucket } of left) this.#roll(bucket);
        while (this.#closing.size > maxClosing) await Promise.race(this.#closing);
        const without = left.flatMap(({ bucket }) => (bucket.file ? [] : bucket));
        if (without.length > 0) await this.#open(without);
        const [first] = left;
        if (first && left.length === 1) await this.#append(first);
        else await Promise.all(left.map((work) => this.#append(work)));
        left = left.filter(({ bucket, events }) => bucket.file && events.length > 0);
      }
    } finally {
      for (const bucket of used) this.#free(bucket);
    }
  }

  #bucketOf(path: string, prefix: string): Bucket {
    const last = this.#last;
    if (last?.path === path && last.prefix === prefix) return last;
    const key = bucketKey(path, prefix);
    const known = this.#buckets.get(key);
    const bucket = known ?? new Bucket(path, prefix);
    if (!known) bucket.before = this.#ending.get(key);
    this.#buckets.delete(key);
    this.#buckets.set(key, bucket);
    this.#last = bucket;
    return bucket;
  }

  /** Takes a bucket out; the next event makes it anew. */
  #remove(bucket: Bucket): void {
    this.#buckets.delete(bucket.key);
    if (this.#last === bucket) this.#last = undefined;
    this.#parts.naming.gone(bucket);
  }

  /** Appends as many events as the file takes before it has to roll. */
  async #append(work: Work): Promise<void> {
    const { bucket, events, ranges } = work;
    const { file } = bucket;
    if (!file || this.#failure) return;
    const count = this.#fitting(file, events);
    const [first, rest] = splitRanges(ranges, count);
    try {
      await file.append(events.slice(0, count), first);
    } catch (error) {
      // Where it has failed its file, that has said so.
      this.#failure ??= asError(error);
      return;
    }
    bucket.appendedAt = this.#parts.clock.monotonic();
    work.events = events.slice(count);
    work.ranges = rest;
  }

  /** As in Flume: an event is written as long as those before it have not filled the file. */
  #fitting(file: BucketFile, events: EventBatch): number {
    const { rollCount, rollSize } = this.#parts.rules;
    const byCount = rollCount > 0 ? rollCount - file.events : events.length;
    const most = Math.min(events.length, byCount);
    if (rollSize === 0) return most;
    let bytes = file.bodyBytes;
    let count = 0;
    for (; count < most && bytes < rollSize; count++) {
      bytes += (events.ends[count] as number) - (events.starts[count] as number);
    }
    return count;
  }

  /** Ends a file that is full, or that has too few replicas; its bucket goes on. */
  #roll(bucket: Bucket): void {
    const { file } = bucket;
    if (!file || !this.#isDue(bucket, file)) return;
    bucket.file = undefined;
    bucket.before = file;
    this.#await(this.#endFile(file));
  }

  #isDue(bucket: Bucket, file: BucketFile): boolean {
    const { rollCount, rollSize, minBlockReplicas } = this.#parts.rules;
    if (file.missingReplicas(minBlockReplicas) <= 0) bucket.underReplicated = 0;
    else if (bucket.underReplicated < maxUnderReplicated) {
      bucket.underReplicated++;
      if (bucket.underReplicated === maxUnderReplicated) {
        const sentence = 'Blocks lack replicas in file after file: that rolls no more of them.';
        this.#parts.log.warn({ path: bucket.path }, sentence);
      }
      return true;
    }
    const isFull = rollCount > 0 && file.events >= rollCount;
    return isFull || (rollSize > 0 && file.bodyBytes >= rollSize);
  }

  /** Makes a file for each of these buckets. Those that get none have said why. */
  async #open(buckets: readonly Bucket[]): Promise<void> {
    const { recovery } = this.#parts;
    let left = buckets;
    for (let tries = 0; left.length > 0 && !this.#failure; tries++) {
      if (recovery.pending > maxUnfinished) {
        this.#failure ??= new ConnectionError(
          `${recovery.pending} files wait to be closed: no new one is begun`,
        );
        return;
      }
      if (tries === maxNameClashes) {
        this.#failure ??= new Error(`${tries} names in ${left[0]?.path} are taken`);
        return;
      }
      try {
        left = await this.#make(left);
      } catch (error) {
        this.#failure ??= asError(error);
        return;
      }
    }
  }

  /** One try for all of them. Gives those whose name was taken. */
  async #make(buckets: readonly Bucket[]): Promise<Bucket[]> {
    const { commits, counters, fileSystem, recovery } = this.#parts;
    const makings = await Promise.all(buckets.map((bucket) => this.#named(bucket)));
    await commits.save(Object.fromEntries(makings.map(({ key, entry }) => [key, jsonOf(entry)])));
    const clashed: Bucket[] = [];
    await Promise.all(
      makings.map(async (making) => {
        const { entry, key, bucket } = making;
        const creating = fileSystem.create(entry.path);
        try {
          making.out = await this.#within(`create ${entry.path}`, creating);
        } catch (error) {
          if (error instanceof FileExistsError) {
            commits.forget(key);
            clashed.push(bucket);
            return;
          }
          counters.ConnectionFailedCount++;
          this.#failure ??= asError(error);
          // Nothing was written to it: that is not worth a word.
          recovery.add(entry.path, letGo(creating));
        }
      }),
    );
    await this.#begin(makings);
    return clashed;
  }

  /** A name of which nothing is known, and nothing is there. */
  async #named(bucket: Bucket): Promise<Making> {
    const { naming, fileSystem, entryType: type, wayBack } = this.#parts;
    for (let tries = 0; tries < maxNameClashes; tries++) {
      const { creator } = fileSystem;
      const entry: FileEntry = { type, ...naming.next(bucket), creator, length: 0, ...wayBack };
      const finalPath = finalPathOf(entry);
      const stat = fileSystem.stat(finalPath);
      if (await this.#within(`look for ${finalPath}`, stat)) continue;
      return { bucket, key: newKey(fileSystem.uriOf(entry.path), entry), entry };
    }
    throw new Error(`${maxNameClashes} names in ${bucket.path} are taken`);
  }

  /** Nothing is written to a file before the state knows what the file system knows it by. */
  async #begin(makings: readonly Making[]): Promise<void> {
    const { commits, fileSystem, recovery, clock, counters, createSerializer } = this.#parts;
    const made = makings.flatMap(({ bucket, entry, out, key }) => {
      if (!out) return [];
      const known = { ...entry, id: out.id };
      const finalKey = fileKey(fileSystem.uriOf(finalPathOf(entry)), known);
      return { bucket, out, key, finalKey, entry: known };
    });
    if (made.length === 0) return;
    const set: Record<string, Json> = {};
    for (const { finalKey, entry } of made) set[finalKey] = jsonOf(entry);
    try {
      await commits.save(set);
    } catch (error) {
      for (const { out, entry } of made) recovery.add(entry.path, out.abandon());
      throw error;
    }
    for (const { bucket, out, key, finalKey, entry } of made) {
      commits.forget(key);
      counters.ConnectionCreatedCount++;
      bucket.openedAt = clock.monotonic();
      bucket.appendedAt = bucket.openedAt;
      const parts: FileParts = {
        commits,
        within: (what, call) => this.#within(what, call),
        memory: this.#memory,
        onProgress: () => this.#onProgress?.(),
        now: () => clock.monotonic(),
        onFailed: (error) => this.#failed(bucket, file, error),
      };
      const serializer = createSerializer();
      const file = new BucketFile(finalKey, entry, out, serializer, parts, bucket.before);
      bucket.before = undefined;
      bucket.file = file;
    }
  }

  #failed(bucket: Bucket, file: BucketFile, error: Error): void {
    this.#failure ??= error;
    this.#onProgress?.();
    if (bucket.file === file) {
      bucket.file = undefined;
      if (this.#buckets.get(bucket.key) === bucket) this.#remove(bucket);
    }
    this.#parts.counters.ConnectionFailedCount++;
    const settled = file.settled();
    this.#await(settled);
    // Of one that has nothing yet nothing is left, and why is said where writes fail.
    if (file.isCommitted) this.#leave(file.path, error, settled);
    else this.#parts.recovery.add(file.path, settled);
  }

  #leave(path: string, error: unknown, after: Promise<unknown>): void {
    const { log, recovery } = this.#parts;
    log.warn({ path, error }, 'A file is left; it is cut to what is committed, and closed.');
    recovery.add(path, after);
  }

  /** As many files are open as may be. */
  async #keepLimit(): Promise<void> {
    const { maxOpenFiles } = this.#parts.rules;
    for (const [key, { busy }] of this.#buckets) {
      if (this.#buckets.size <= maxOpenFiles) break;
      if (!busy) this.#closeBucket(key);
    }
    while (this.#closing.size > maxClosing) await Promise.race(this.#closing);
    if (this.#memory.held > maxHeldBytes) this.#endLargestBlocks();
  }

  #endLargestBlocks(): void {
    const files = [...this.#buckets.values()].flatMap(({ file }) => file ?? []);
    for (const file of files.sort((one, other) => other.heldBytes - one.heldBytes)) {
      if (this.#memory.held <= maxHeldBytes / 2) break;
      file.endBlock();
    }
  }

  #closeBucket(key: string): void {
    const bucket = this.#buckets.get(key);
    if (!bucket) return;
    const { file } = bucket;
    this.#remove(bucket);
    bucket.file = undefined;
    if (!file) return;
    this.#ending.set(key, file);
    const forget = () => this.#ending.get(key) === file && this.#ending.delete(key);
    this.#await(this.#endFile(file).finally(forget));
  }

  #await(ending: Promise<void>): void {
    const closing = ending.finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }

  async #endFile(file: BucketFile): Promise<void> {
    const { commits, counters, recovery } = this.#parts;
    if (file.isEmpty && !file.isDead) {
      // Another file's failure came between its making and its first event.
      recovery.add(file.path, file.discard());
      return;
    }
    try {
      await file.close();
      const entry = entryOf(commits.state.get(file.key), file.entry.type) ?? file.entry;
      const renaming = renameFree(this.#parts, file.path, entry);
      commits.forget(await this.#within(`rename ${file.path}`, renaming));
      counters.ConnectionClosedCount++;
    } catch (error) {
      // One that failed has been left already.
      if (file.isDead) return;
      counters.ConnectionFailedCount++;
      this.#leave(file.path, error, Promise.resolve());
    }
  }

  #within<T>(what: string, call: Promise<T>): Promise<T> {
    const { clock, rules } = this.#parts;
    return within(clock, rules.callTimeout, what, call);
  }
}

/** A file that comes after all is let go. */
async function letGo(creating: Promise<OutputFile>): Promise<void> {
  await creating.then((out) => out.abandon()).catch(() => {});
}
