import { access, constants, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { defineSource } from '../config/definition.ts';
import { javaPattern } from '../config/java-pattern.ts';
import type { Headers } from '../core/event-batch.ts';
import type { PollResult, Source, SourceContext } from '../core/source.ts';
import { EmitWindow } from '../files/emit-window.ts';
import type { FileInfo } from '../files/file-info.ts';
import { fileInfo, keyOf } from '../files/file-info.ts';
import { InputFile } from '../files/input-file.ts';
import { inParallel } from '../files/parallel.ts';
import { proofBytes, readBytes } from '../files/proof.ts';
import { ReadSlabs } from '../files/read-slabs.ts';
import { multiLineNotes, multiLineRulesOf } from '../framing/multi-line.ts';
import { mostLineBytes } from '../framing/text-lines.ts';
import type { CompletionPolicy } from './spooldir/completion.ts';
import { Completion } from './spooldir/completion.ts';
import type { SpooldirConfig } from './spooldir/fields.ts';
import {
  spoolDirectoryOf,
  spooldirFields,
  spooldirProblems,
  textRulesOf,
  trackerDirectoryOf,
} from './spooldir/fields.ts';
import { FlumeTracker } from './spooldir/flume-tracker.ts';
import type { SpoolFile } from './spooldir/listing.ts';
import { SpoolListing } from './spooldir/listing.ts';
import { LostStreams } from './spooldir/lost-streams.ts';
import { SetAside } from './spooldir/set-aside.ts';
import type { ReadingOptions, ReadOutcome, Trouble } from './spooldir/spooled-file.ts';
import { SpooledFile } from './spooldir/spooled-file.ts';

export const spooldirSource = defineSource({
  type: 'spooldir',
  classes: ['org.apache.flume.source.SpoolDirectorySource'],
  summary: 'Reads files that are moved into a directory, each once, and renames or removes them.',
  notes: `A file must be whole when it gets its name: write it elsewhere (on the same file system),
or with a name that is left alone (\`.name\`, \`ignorePattern\`), and rename it. It is renamed,
removed or marked only when all channels have all of it for good, so that a crash at any moment
costs nothing and doubles nothing.

Something wrong with a file is said once and counted (\`EventReadFail\`), and the others go on.
Flume reads nothing any more then, until it is restarted.

- A file that changes after it was picked up: what was there is delivered, the rest is read once
  the file has been still for a minute.
- Bytes that are no character (\`decodeErrorPolicy = FAIL\`): the lines before are delivered. When
  the file is repaired, it goes on where it stopped.
- The final name exists: the file is delivered and stays until that name is free.

An agent takes over from Flume where that stopped, by \`.flumespool-main.meta\` in \`trackerDir\`,
and leaves one for the way back when it is stopped. An empty file is an event with an empty body,
as in Flume. A long line is never cut within a character; in Flume it may be.

${multiLineNotes}`,
  rereads: true,
  fields: spooldirFields,
  example: `type = spooldir
spoolDir = /var/spool/app
ignorePattern = .*\\\\.tmp
deserializer.maxLineLength = 100000
fileHeader = true`,
  check: (config) => spooldirProblems(config),
  batchSize: (config) => config.batchSize,
  create: (config, context) => new SpooldirSource(config, context),
});

/** A poll begins no further file after this much time, so that those before are finished. */
const pollMs = 1000;
/** The time from one listing to the next is at least this many times what one takes. */
const listShare = 20;
/** Files that were read and wait for the channels to settle them: then no more are begun. */
const mostUnsettled = 4096;
/** Files that get their final name in one poll. */
const mostCompletions = 512;

/** What exists from start to stop. */
interface Running {
  readonly listing: SpoolListing;
  readonly lost: LostStreams;
  readonly tracker: FlumeTracker;
  readonly completion: Completion;
  readonly reading: ReadingOptions;
  readonly stopped: AbortController;
}

class SpooldirSource implements Source {
  readonly #config: SpooldirConfig;
  readonly #context: SourceContext;
  readonly #window = new EmitWindow();
  readonly #setAside: SetAside;
  #running: Running | undefined;
  /** What was listed and not picked up, the next one last. */
  #queue: SpoolFile[] = [];
  /** Picked up, in that order; the first one is read. */
  #begun: SpooledFile[] = [];
  /** Read to the end. */
  readonly #read = new Set<SpooledFile>();
  /** Renamed or removed, which may not be durable yet. */
  #completed: SpooledFile[] = [];
  #listedAt = Number.NEGATIVE_INFINITY;
  #listEveryMs = 0;
  #waking = false;

  constructor(config: SpooldirConfig, context: SourceContext) {
    this.#config = config;
    this.#context = context;
    this.#setAside = new SetAside(context);
  }

  async start(): Promise<void> {
    const { clock, log, disk } = this.#context;
    const config = this.#config;
    const directory = spoolDirectoryOf(config);
    const trackerDirectory = trackerDirectoryOf(config);
    if (!(await stat(directory)).isDirectory()) throw new Error(`${directory} is no directory`);
    const policy = this.#policy();
    if (policy.kind === 'mark') await disk.makeDirectory(trackerDirectory);
    else await access(directory, constants.W_OK);
    const text = textRulesOf(config);
    const multiLine = multiLineRulesOf(config);
    const options = {
      directory,
      trackerDirectory,
      recursive: config.recursiveDirectorySearch,
      suffix: config.fileSuffix,
      include: javaPattern(config.includePattern),
      ignore: javaPattern(config.ignorePattern),
      order: config.consumeOrder,
      marks: policy.kind === 'mark',
    };
    const listing = new SpoolListing(options, clock, log);
    const tracker = new FlumeTracker(trackerDirectory, disk, log);
    await tracker.load();
    const lost = new LostStreams(this.#context);
    lost.load();
    this.#listedAt = Number.NEGATIVE_INFINITY;
    this.#running = {
      listing,
      lost,
      tracker,
      completion: new Completion(policy, (path) => listing.markOf(path), disk),
      reading: {
        batchSize: config.batchSize,
        text,
        multiLine,
        slabs: new ReadSlabs(mostLineBytes(text.maxUnits) + (multiLine?.maxBytes ?? 0) + 8),
      },
      stopped: new AbortController(),
    };
  }

  async stop(): Promise<void> {
    const running = this.#running;
    if (!running) return;
    this.#running = undefined;
    running.stopped.abort();
    await this.#window.drained();
    try {
      await this.#context.streams.settle();
      while ((await this.#completeSettled(running)) > 0);
    } catch (error) {
      const said = 'Files that were delivered are renamed at the next start.';
      this.#context.log.warn({ error }, said);
    }
    await this.#tellFlume(running);
    for (const file of [...this.#begun, ...this.#read]) await file.close();
    this.#queue = [];
    this.#begun = [];
    this.#read.clear();
    this.#completed = [];
  }

  async poll(signal: AbortSignal): Promise<PollResult> {
    const running = this.#running;
    if (!running) return 'idle';
    const { clock } = this.#context;
    let more = (await this.#completeSettled(running)) === mostCompletions;
    const begun = clock.monotonic();
    for (;;) {
      const file = signal.aborted ? undefined : await this.#next(running);
      if (!file) break;
      const outcome = await this.#attempt(file, signal);
      if (file.failure !== undefined) break;
      if (outcome !== 'more') await this.#over(running, file, outcome);
      more = clock.monotonic() - begun >= pollMs;
      if (more) break;
    }
    await this.#window.drained();
    const error = this.#goBack();
    if (error !== undefined) throw error;
    if (more) return 'ready';
    this.#wakeLater(running);
    return 'idle';
  }

  /** For the way back: an agent of Flume goes on there within the file. */
  async #tellFlume({ tracker }: Running): Promise<void> {
    const [file] = this.#begun;
    const settled = file && (this.#context.streams.get(file.stream)?.settled ?? 0);
    if (!file || !settled) return;
    const spoolDirectory = spoolDirectoryOf(this.#config);
    const name = file.path.slice(spoolDirectory.length);
    const path = this.#config.spoolDir.replace(/\/+$/, '') + name;
    await tracker.write(path, settled).catch((error: unknown) => {
      this.#context.log.warn({ error }, "Flume's tracker file can not be written.");
    });
  }

  #policy(): CompletionPolicy {
    const { deletePolicy, trackingPolicy, fileSuffix } = this.#config;
    if (deletePolicy === 'immediate') return { kind: 'delete' };
    if (trackingPolicy === 'tracker_dir') return { kind: 'mark' };
    return { kind: 'rename', suffix: fileSuffix };
  }

  /** The file to be read from now; `undefined`: there is none. */
  async #next(running: Running): Promise<SpooledFile | undefined> {
    for (;;) {
      await this.#list(running);
      const [first] = this.#begun;
      if (first) return first;
      if (this.#read.size >= mostUnsettled) return undefined;
      const found = this.#queue.pop();
      if (!found) return undefined;
      const file = await this.#pickUp(running, found);
      if (file) this.#begun.push(file);
    }
  }

  /** Lists what is there, when it is time for that. */
  async #list({ listing, lost, tracker }: Running): Promise<void> {
    const { clock } = this.#context;
    const now = clock.monotonic();
    if (now - this.#listedAt < Math.max(this.#config.pollDelay, this.#listEveryMs)) return;
    this.#listedAt = now;
    const { files, isWhole } = await listing.list();
    this.#listEveryMs = (clock.monotonic() - now) * listShare;
    const busy = new Set([...this.#begun, ...this.#read].map(({ path }) => path));
    const waiting = files.filter((file) => !busy.has(file.path) && this.#setAside.allows(file));
    this.#queue = waiting.reverse();
    if (!isWhole) return;
    lost.lookAfter(files);
    if (this.#setAside.size > 0) this.#setAside.keepOnly(new Set(files.map(({ path }) => path)));
    const { file } = tracker;
    // What it says is of a file that is gone: another one may get its name.
    if (file && !files.some(({ path }) => path === file)) await tracker.remove();
  }

  async #pickUp(running: Running, found: SpoolFile): Promise<SpooledFile | undefined> {
    const { path } = found;
    let handle: InputFile | undefined;
    try {
      handle = await InputFile.open(path);
      const stats = await handle.stat();
      const info = fileInfo(stats);
      if (!stats.isFile()) throw new Error('it is no file any more');
      const head = await readBytes(handle, 0, Math.min(proofBytes, info.size));
      const known = await running.lost.claim(path, info, handle);
      const stream = known?.stream ?? this.#newName(info);
      const first = known ? 0 : running.tracker.offsetIn(path, info.size);
      const file = { path, info, handle, head, headers: this.#headersOf(path) };
      const context = this.#context;
      return new SpooledFile(running.reading, context, stream, file, first, known?.status);
    } catch (error) {
      await handle?.close();
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'ENOENT') this.#setAside.add(found, { kind: 'refused', error }, 0);
      return undefined;
    }
  }

  #newName(info: FileInfo): string {
    for (;;) {
      const random = this.#context.random.bytes(4).toString('hex');
      const stream = `${this.#context.name}/${keyOf(info)}-${random}`;
      if (!this.#context.streams.get(stream)) return stream;
    }
  }

  #headersOf(path: string): Headers {
    const { fileHeader, fileHeaderKey, basenameHeader, basenameHeaderKey } = this.#config;
    const headers = new Map<string, string>();
    if (fileHeader) headers.set(fileHeaderKey, path);
    if (basenameHeader) headers.set(basenameHeaderKey, basename(path));
    return headers;
  }

  async #attempt(file: SpooledFile, signal: AbortSignal): Promise<ReadOutcome> {
    try {
      return await file.read(this.#window, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
      return { kind: 'refused', error };
    }
  }

  /** A file was read as far as can be, and something comes next for it. */
  async #over(
    { lost }: Running,
    file: SpooledFile,
    outcome: Exclude<ReadOutcome, 'more'>,
  ): Promise<void> {
    if (outcome !== 'end') {
      // What it is known by later says what the channels have of it.
      await this.#window.drained();
      if (file.failure !== undefined) return;
      if (outcome !== 'gone') await this.#putAside(file, outcome);
      lost.add(file.stream);
    } else this.#read.add(file);
    this.#begun.shift();
    await file.close();
  }

  async #putAside(file: SpooledFile, trouble: Trouble): Promise<void> {
    // What is wrong with it may also keep it from being read once more.
    await file.noteEnd().catch(() => undefined);
    this.#setAside.add(file, trouble, file.position);
  }

  /** After failed emits: their files are read again from what the channels hold. */
  #goBack(): unknown {
    const failed = [...this.#read, ...this.#begun].filter((file) => file.failure !== undefined);
    const error = failed[0]?.failure;
    for (const file of failed) {
      this.#read.delete(file);
      file.goBack();
    }
    this.#begun = [...failed, ...this.#begun.filter((file) => !failed.includes(file))];
    return error;
  }

  /** Renames or removes what the channels have for good; how many that were. */
  async #completeSettled(running: Running): Promise<number> {
    const settled: SpooledFile[] = [];
    for (const file of this.#read) {
      if (settled.length === mostCompletions) break;
      if (file.isSettled) settled.push(file);
    }
    if (settled.some(({ path }) => path === running.tracker.file)) await running.tracker.remove();
    await inParallel(settled, (file) => this.#complete(running, file));
    if (this.#completed.length === 0) return settled.length;
    await running.completion.sync();
    for (const { stream, path } of this.#completed) {
      this.#context.streams.retire(stream);
      this.#setAside.delete(path);
    }
    this.#completed = [];
    return settled.length;
  }

  async #complete({ completion, lost }: Running, file: SpooledFile): Promise<void> {
    const outcome = await completion.complete(file);
    this.#read.delete(file);
    if (outcome === 'done') {
      this.#completed.push(file);
    } else if (outcome === 'gone') {
      this.#completed.push(file);
      this.#context.counters.EventReadFail++;
      const said = 'File was removed or replaced before it could be renamed; it is delivered.';
      this.#context.log.warn({ path: file.path }, said);
    } else {
      await this.#putAside(file, outcome);
      await file.close();
      lost.add(file.stream);
    }
  }

  /** Has the runner poll again when it is time to look. */
  #wakeLater({ stopped }: Running): void {
    if (this.#waking) return;
    this.#waking = true;
    const { clock } = this.#context;
    const { pollDelay } = this.#config;
    const listed = Math.max(pollDelay, this.#listEveryMs) - (clock.monotonic() - this.#listedAt);
    const wait = this.#read.size > 0 ? Math.min(listed, pollDelay) : listed;
    void clock.sleep(Math.max(1, wait), stopped.signal).then(() => {
      this.#waking = false;
      if (!stopped.signal.aborted) this.#context.wake();
    });
  }
}
