import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { backoffFields } from '../config/backoff-fields.ts';
import type { FieldProblem } from '../config/definition.ts';
import { defineSource } from '../config/definition.ts';
import type { ConfigOf } from '../config/field.ts';
import { boolean, integer, list, map, optionalText, text } from '../config/field.ts';
import type { PollResult, Source, SourceContext } from '../core/source.ts';
import { EmitWindow } from '../files/emit-window.ts';
import { inParallel } from '../files/parallel.ts';
import { ReadSlabs } from '../files/read-slabs.ts';
import {
  multiLineFields,
  multiLineNotes,
  multiLineProblems,
  multiLineRulesOf,
} from '../framing/multi-line.ts';
import type { FileGroup } from './taildir/groups.ts';
import { parseGroup } from './taildir/groups.ts';
import { DirectoryListing } from './taildir/listing.ts';
import type { Beginnings } from './taildir/matching.ts';
import { nameKey, StreamMatcher } from './taildir/matching.ts';
import { OpenFiles } from './taildir/open-files.ts';
import type { FilePosition } from './taildir/position-file.ts';
import { PositionFile } from './taildir/position-file.ts';
import type { ReadOutcome, TailedFile } from './taildir/tailed-file.ts';
import { DirectoryWatcher } from './taildir/watcher.ts';

const fields = {
  filegroups: list({ doc: 'Names of the file groups.' }),
  files: map({
    key: 'filegroups.',
    doc: 'Per group, its files: a directory, then a regular expression for the whole file name.',
  }),
  headers: map({
    key: 'headers.',
    doc: 'Headers that all events of a group get: `headers.<group>.<name> = value`.',
  }),
  positionFile: optionalText({
    doc: 'Where the positions are kept for people and for Flume; its directory is made.',
    defaultText: '~/.flume/taildir_position.json',
  }),
  writePosInterval: integer({
    doc: 'Time between two writes of the position file.',
    unit: 'ms',
    min: 1,
    default: 3000,
  }),
  batchSize: integer({
    doc: 'The most events of one batch.',
    unit: 'events',
    min: 1,
    default: 100,
  }),
  maxBatchCount: integer({
    doc: 'Batches read from one file before others have their turn; 0 or less: no limit.',
    default: Number.MAX_SAFE_INTEGER,
    defaultText: 'no limit',
  }),
  skipToEnd: boolean({
    doc: 'Begins at the end of files that are there at the start and were never read.',
    default: false,
  }),
  idleTimeout: integer({
    doc:
      'Time without change after which a last line without newline is an event, and the file is ' +
      'closed until it changes again.',
    unit: 'ms',
    min: 0,
    default: 120_000,
  }),
  fileHeader: boolean({ doc: "Adds a header with the file's path.", default: false }),
  fileHeaderKey: text({ doc: 'The name of that header.', default: 'file' }),
  byteOffsetHeader: boolean({
    doc: 'Adds the header `byteoffset`: where in the file the line begins.',
    default: false,
  }),
  cachePatternMatching: boolean({
    doc: "Lists a directory again only when the directory's mtime has changed.",
    default: true,
  }),
  ...backoffFields,
  maxOpenFiles: integer({
    doc: 'Files that are open at once; beyond that the one not read for longest is closed.',
    unit: 'files',
    min: 1,
    default: 512,
    extra: true,
  }),
  maxLineBytes: integer({
    doc:
      'A longer line becomes several events; all but the last have the header ' +
      '`millrace.line` = `cut`.',
    unit: 'bytes',
    min: 1,
    max: 1024 ** 3,
    default: 4 * 1024 * 1024,
    extra: true,
  }),
  watch: boolean({
    doc: 'Reads new lines at once, where the system tells of them; false: after the wait.',
    default: true,
    extra: true,
  }),
  ...multiLineFields,
};

type TaildirConfig = ConfigOf<typeof fields>;

export const taildirSource = defineSource({
  type: 'taildir',
  classes: ['org.apache.flume.source.taildir.TaildirSource'],
  summary: 'Tails files that match patterns, from where it was, however they are rotated.',
  notes: `A file is known by its content and its inode, not by its name: it goes on where it was
when it is renamed, and is read to its end when its new name matches no pattern. A file that
\`copytruncate\` cut back goes on in the copy, if that stands beside it, and begins anew.

What was delivered stands in the channels; the position file follows it. It decides where a file
begins that no channel knows, so that an agent takes over from Flume where that stopped.

A new file that begins as a tailed one does, and has nothing more, is taken for a copy in the
making: it is read once it has not changed for 5 seconds.

${multiLineNotes} What is cut at a limit has the header \`millrace.line\` = \`cut\`.`,
  rereads: true,
  fields,
  example: `type = TAILDIR
filegroups = app
filegroups.app = /var/log/app/.*\\\\.log
headers.app.service = app
fileHeader = true`,
  check: (config) => problemsOf(config),
  batchSize: (config) => config.batchSize,
  create: (config, context) => new TaildirSource(config, context),
});

function problemsOf(config: TaildirConfig): readonly FieldProblem[] {
  const { filegroups, files, headers } = config;
  const problems: FieldProblem[] = [];
  let usable = 0;
  for (const name of new Set(filegroups)) {
    if (filegroups.filter((each) => each === name).length > 1) {
      const problem = `${name} is listed twice; once counts`;
      problems.push({ key: 'filegroups', problem, severity: 'warning' });
    }
    const value = files.get(name);
    if (value === undefined) {
      const problem = `no filegroups.${name} says where its files are; it is left out`;
      problems.push({ key: 'filegroups', problem, severity: 'warning' });
      continue;
    }
    try {
      parseGroup(name, value, headers);
      usable++;
    } catch {
      const problem = 'what follows the last slash is not a regular expression';
      problems.push({ key: `filegroups.${name}`, problem });
    }
  }
  problems.push(...multiLineProblems(config));
  if (usable === 0) problems.push({ key: 'filegroups', problem: 'no file group is left' });
  return problems;
}

/** What exists from start to stop. */
interface Running {
  readonly listing: DirectoryListing;
  readonly matcher: StreamMatcher;
  readonly watcher: DirectoryWatcher;
  readonly openFiles: OpenFiles;
  readonly stopped: AbortController;
}

/** A poll begins no further file after this much time, so that rotations are seen. */
const pollMs = 1000;
/** How often directories that are watched are looked through all the same. */
const scanMs = 1000;
/** The time from one scan to the next is at least this many times what a scan takes. */
const scanShare = 20;
/** The shortest time from one poll to the next that a notice may ask for. */
const wakeMs = 20;

class TaildirSource implements Source {
  readonly #config: TaildirConfig;
  readonly #context: SourceContext;
  readonly #groups: readonly FileGroup[];
  readonly #window = new EmitWindow();
  readonly #positionFile: PositionFile;
  #running: Running | undefined;
  #scanDue = true;
  #scannedAt = 0;
  #scanEveryMs = 0;
  #polledAt = 0;
  #wokenAt: number | undefined;
  #positionsAt = 0;
  #turns = 0;
  #wakingForOpen = false;
  #settling: Promise<void> | undefined;

  constructor(config: TaildirConfig, context: SourceContext) {
    this.#config = config;
    this.#context = context;
    this.#groups = [...new Set(config.filegroups)].flatMap((name) => {
      const value = config.files.get(name);
      return value === undefined ? [] : [parseGroup(name, value, config.headers)];
    });
    const path = config.positionFile ?? join(homedir(), '.flume', 'taildir_position.json');
    this.#positionFile = new PositionFile(path, context.disk, context.log);
  }

  async start(): Promise<void> {
    const { maxBatchCount, cachePatternMatching, skipToEnd, maxLineBytes } = this.#config;
    const { clock, log, disk } = this.#context;
    const multiLine = multiLineRulesOf(this.#config);
    const options = {
      ...this.#config,
      multiLine,
      slabs: new ReadSlabs(maxLineBytes + (multiLine?.maxBytes ?? 0) + 1),
      maxBatchCount: maxBatchCount > 0 ? maxBatchCount : Number.MAX_SAFE_INTEGER,
      boot: await disk.bootId(),
    };
    // Else a pattern that matches the position file would have it written for ever.
    const excluded = new Set(this.#positionFile.paths);
    const openFiles = new OpenFiles(this.#config.maxOpenFiles);
    const running: Running = {
      listing: new DirectoryListing(this.#groups, cachePatternMatching, excluded, clock, log),
      matcher: new StreamMatcher(options, this.#groups, this.#context, openFiles),
      watcher: new DirectoryWatcher(
        log,
        (path) => this.#fileChanged(path),
        (path) => this.#nameChanged(path),
      ),
      openFiles,
      stopped: new AbortController(),
    };
    const positions = new Map<string, number>();
    for (const { inode, pos, file } of await this.#positionFile.read()) {
      positions.set(nameKey(inode, resolve(file)), pos);
    }
    running.matcher.load();
    this.#running = running;
    try {
      await this.#scan(running, { positions, skipToEnd });
    } catch (error) {
      await this.stop();
      throw error;
    }
    this.#positionsAt = clock.monotonic();
  }

  async stop(): Promise<void> {
    const running = this.#running;
    if (!running) return;
    this.#running = undefined;
    running.stopped.abort();
    running.watcher.close();
    await this.#window.drained();
    this.#settle();
    await this.#settling;
    const tails = [...running.matcher.tails.values()];
    for (const tail of tails) tail.refreshIdentity();
    await this.#positionFile.write(this.#positions(tails));
    for (const tail of tails) await tail.close();
  }

  async poll(signal: AbortSignal): Promise<PollResult> {
    const running = this.#running;
    if (!running) return 'idle';
    const { clock } = this.#context;
    this.#polledAt = clock.monotonic();
    this.#wokenAt = undefined;
    const scanned = this.#polledAt - this.#scannedAt;
    if (this.#scanDue || scanned >= this.#scanEveryMs) await this.#scan(running);
    const { more, error } = await this.#readAll(running, signal);
    await this.#lookAfter(running);
    if (error !== undefined) throw error;
    return more ? 'ready' : 'idle';
  }

  async #scan(running: Running, beginnings?: Beginnings): Promise<void> {
    const { listing, matcher, watcher } = running;
    const { clock } = this.#context;
    const { watch } = this.#config;
    this.#scanDue = false;
    this.#scannedAt = clock.monotonic();
    const found = await listing.list();
    // What happened before the watch began is found by the next scan.
    if (watch && watcher.watchOnly(found.directories)) this.#scanDue = true;
    await matcher.match(found, beginnings);
    const tookMs = clock.monotonic() - this.#scannedAt;
    this.#scanEveryMs = Math.max(watch ? scanMs : 0, tookMs * scanShare);
  }

  async #readAll(
    { matcher }: Running,
    signal: AbortSignal,
  ): Promise<{ readonly more: boolean; readonly error: unknown }> {
    const { clock } = this.#context;
    const begun = clock.monotonic();
    const waiting = [...matcher.tails.values()].filter((tail) => {
      return !tail.blank && (tail.dirty || tail.due !== 'nothing');
    });
    waiting.sort((a, b) => a.lastTurn - b.lastTurn || a.info.mtimeMs - b.info.mtimeMs);
    let more = false;
    const outcomes: (readonly [TailedFile, ReadOutcome | undefined])[] = [];
    await inParallel(waiting, async (tail) => {
      if (signal.aborted || clock.monotonic() - begun >= pollMs) {
        more = true;
        return;
      }
      tail.lastTurn = ++this.#turns;
      outcomes.push([tail, await this.#read(tail, signal)]);
    });
    await this.#window.drained();
    let error: unknown;
    for (const [tail, outcome] of outcomes) {
      if (tail.failure !== undefined) {
        error ??= tail.failure;
        tail.goBack();
      } else if (outcome === 'more') more = tail.dirty = true;
      if (outcome === 'moved') {
        // Looked for by its inode in the next scan.
        tail.listed = tail.dirty = true;
        this.#scanDue = true;
      }
      if (outcome === 'replaced') {
        await matcher.lose(tail, 'replaced');
        more = this.#scanDue = true;
      }
    }
    return { more: more && !signal.aborted, error };
  }

  async #read(tail: TailedFile, signal: AbortSignal): Promise<ReadOutcome | undefined> {
    tail.busy = true;
    try {
      const outcome = await tail.read(this.#window, signal, tail.due);
      tail.complaint = undefined;
      return outcome;
    } catch (error) {
      tail.dirty = true;
      this.#context.counters.EventReadFail++;
      const { code = 'unknown' } = error as NodeJS.ErrnoException;
      if (tail.complaint !== code) {
        tail.complaint = code;
        this.#context.log.warn({ path: tail.path, error }, 'File can not be read; tried again.');
      }
      return undefined;
    } finally {
      tail.busy = false;
    }
  }

  /** What is done between reads: files closed, identities and positions written. */
  async #lookAfter({ matcher, openFiles }: Running): Promise<void> {
    const { clock } = this.#context;
    const now = clock.monotonic();
    const tails = [...matcher.tails.values()];
    for (const tail of tails) {
      if (tail.identityDue(now)) tail.refreshIdentity();
      if (tail.dirty || tail.unreadBytes > 0 || !tail.isOpen || !tail.idle) continue;
      if (tail.closable) await tail.close();
      else if (this.#isSettled(tail)) await matcher.lose(tail, 'gone');
      else this.#settle();
    }
    await openFiles.trim();
    this.#wakeForOpen(tails);
    if (now - this.#positionsAt >= this.#config.writePosInterval) {
      this.#positionsAt = now;
      await this.#positionFile.write(this.#positions(tails));
    }
  }

  /** Has the runner poll when the first of the events that may go on is due. */
  #wakeForOpen(tails: readonly TailedFile[]): void {
    const waits = tails.flatMap((tail) => tail.openFor ?? []);
    const running = this.#running;
    if (waits.length === 0 || this.#wakingForOpen || !running) return;
    this.#wakingForOpen = true;
    const { signal } = running.stopped;
    const wait = Math.max(1, Math.min(...waits));
    void this.#context.clock.sleep(wait, signal).then(() => {
      this.#wakingForOpen = false;
      if (!signal.aborted) this.#context.wake();
    });
  }

  #isSettled(tail: TailedFile): boolean {
    const status = this.#context.streams.get(tail.stream);
    return !status || status.settled >= tail.position;
  }

  /** Has the channels settle what they have, so that a file can be closed for good. */
  #settle(): void {
    this.#settling ??= this.#context.streams
      .settle()
      .catch((error: unknown) => this.#context.log.debug({ error }, 'Channels can not settle now.'))
      .finally(() => {
        this.#settling = undefined;
      });
  }

  #positions(tails: readonly TailedFile[]): readonly FilePosition[] {
    return tails
      .filter((tail) => tail.listed)
      .map(({ info, stream, path }) => {
        const pos = this.#context.streams.get(stream)?.settled ?? 0;
        return { inode: info.inode, pos, file: path };
      });
  }

  #fileChanged(path: string): void {
    const matcher = this.#running?.matcher;
    const tail = matcher?.byPath(path);
    if (tail) tail.dirty = true;
    else if (!matcher?.isNamed(path)) return;
    if (!tail || tail.blank) this.#scanDue = true;
    this.#wake();
  }

  /** A name came or went; a directory's own stands for all in it. */
  #nameChanged(path: string): void {
    const running = this.#running;
    if (!running) return;
    const { matcher, listing } = running;
    const ours = this.#groups.some(({ directory }) => directory === path);
    if (!ours && !matcher.byPath(path) && !matcher.isNamed(path)) return;
    listing.forget(ours ? path : dirname(path));
    this.#scanDue = true;
    this.#wake();
  }

  /** Asks for a poll: at once when it was quiet, soon when it was not, so that batches can form. */
  #wake(): void {
    const running = this.#running;
    if (!running || this.#wokenAt !== undefined) return;
    const { clock } = this.#context;
    const now = clock.monotonic();
    this.#wokenAt = now;
    const wait = this.#polledAt + wakeMs - now;
    if (wait <= 0) {
      this.#context.wake();
      return;
    }
    void clock.sleep(wait, running.stopped.signal).then(() => {
      if (!running.stopped.signal.aborted) this.#context.wake();
    });
  }
}
