import type { Socket } from 'node:net';
import type { FieldProblem } from '../config/definition.ts';
import { defineSource } from '../config/definition.ts';
import { type ConfigOf, integer, list, optionalText, text } from '../config/field.ts';
import { FormatError } from '../core/errors.ts';
import { RareLog } from '../core/rare-log.ts';
import type { PollResult, Source, SourceContext } from '../core/source.ts';
import { ErrorLines } from '../processes/error-lines.ts';
import { RunningCommand } from '../processes/running-command.ts';
import { ExportParser } from './journal/export-parser.ts';
import {
  type Beginning,
  type EntryBatch,
  type HeaderField,
  JournalEntries,
} from './journal/journal-entries.ts';
import { JournalStreams } from './journal/journal-streams.ts';

const fields = {
  units: list({
    doc: 'Units whose entries are read, as for `journalctl -u`; none: all entries.',
    default: [],
    defaultText: 'all',
    extra: true,
  }),
  priority: optionalText({
    doc: 'Reads entries of this priority and more urgent ones: `0` to `7`, `err`, `warning` …',
    defaultText: 'all',
    extra: true,
  }),
  matches: list({
    doc: 'Fields that entries must have, as for journalctl: `_TRANSPORT=kernel`; `+` is "or".',
    default: [],
    defaultText: 'none',
    extra: true,
  }),
  since: text({
    doc:
      'Where the first start begins: `oldest` entry, `now`, or a time such as ' +
      '`2026-11-24T08:00:00Z`; later starts go on where the source was.',
    default: 'oldest',
    extra: true,
  }),
  directory: optionalText({
    doc: 'A directory with journal files, as for `journalctl -D`.',
    defaultText: 'the journal of this machine',
    extra: true,
  }),
  body: text({ doc: 'The field that becomes the body.', default: 'MESSAGE', extra: true }),
  headers: list({
    doc:
      'Fields that become headers, as `FIELD` or `FIELD:header`; the time of the entry is always ' +
      'the header `timestamp`, in ms.',
    default: ['_HOSTNAME:host', 'SYSLOG_IDENTIFIER', 'PRIORITY', '_SYSTEMD_UNIT', '_PID'],
    extra: true,
  }),
  batchSize: integer({
    doc: 'The most events of one batch; fewer where the channels take fewer at once.',
    unit: 'events',
    min: 1,
    default: 1_000,
    extra: true,
  }),
  maxBodyBytes: integer({
    doc: 'Of a longer body the rest is left out.',
    unit: 'bytes',
    min: 1,
    max: 768 * 1024 * 1024,
    default: 4 * 1024 * 1024,
    extra: true,
  }),
  journalctl: text({
    doc: 'The program that reads the journal.',
    default: 'journalctl',
    extra: true,
  }),
};

type JournalConfig = ConfigOf<typeof fields>;

export const journalSource = defineSource({
  type: 'journal',
  summary: "Follows systemd's journal, from where it was, through its rotations.",
  notes: `Millrace's own: Flume has nothing like it, and runs \`journalctl -f\` by exec, which
remembers nothing.

It needs journalctl, and the right to read the journal: a user of the group \`systemd-journal\` has
it. Without that journalctl gives what the user itself has logged, and says so in the agent's log.

Every entry arrives once, whatever is killed when: an entry's place is its number in the journal,
and the channels know which they have. When the entry at which it stopped is gone (the journal was
vacuumed or cleared, or is another one), that is said, and reading begins at the oldest entry; what
the channels have of it is left out. One exception: what was read in the last seconds before a crash
comes again if journald gives it new numbers before the agent is back, as it does when it moves the
journal to the disk early in a boot.

- Entries of one journal file, and of one journald, arrive in order. A directory into which several
  machines' entries are collected is read as journalctl merges it: one that comes late, and is
  older than what was read of others, is passed over. Use a source per machine there.
- A field with several values gives the first. Values of headers end after 4096 bytes.
- Values of \`matches\` can't have blanks.
- When journalctl ends, it is run again after 3 seconds.`,
  rereads: true,
  fields,
  example: `type = journal
units = nginx.service sshd.service
priority = warning`,
  check: (config) => problemsOf(config),
  create: (config, context) => new JournalSource(config, context),
});

const fieldName = /^[A-Z0-9_]{1,64}$/;
const priorityName = '([0-7]|emerg|alert|crit|err|warning|notice|info|debug)';
const priorityRange = new RegExp(`^${priorityName}(\\.\\.${priorityName})?$`);

function problemsOf(config: JournalConfig): readonly FieldProblem[] {
  const problems: FieldProblem[] = [];
  const add = (key: string, problem: string) => problems.push({ key, problem });
  const { priority, since, matches, body } = config;
  if (priority !== undefined && !priorityRange.test(priority)) {
    add('priority', 'expected 0 to 7, or emerg, alert, crit, err, warning, notice, info, debug');
  }
  if (sinceMs(since, 0) === undefined) {
    add('since', 'expected oldest, now, or a time such as 2026-11-24T08:00:00Z');
  }
  for (const match of matches) {
    if (match === '+' || /^[A-Z0-9_]+=/.test(match)) continue;
    add('matches', `${match}: expected FIELD=value`);
  }
  const headers = headersOf(config);
  const names = [body, ...headers.map(({ field }) => field)];
  for (const { field, header } of headers) {
    if (!header) add('headers', `${field}: a header needs a name`);
  }
  for (const [index, name] of names.entries()) {
    const key = index === 0 ? 'body' : 'headers';
    if (!fieldName.test(name)) add(key, `${name}: no field of a journal has such a name`);
    else if (name === '__CURSOR' || name === '__REALTIME_TIMESTAMP')
      add(key, `${name}: used already`);
    else if (names.indexOf(name) < index) add(key, `${name}: used already`);
  }
  return problems;
}

function headersOf({ headers }: JournalConfig): HeaderField[] {
  return headers.map((word) => {
    const colon = word.indexOf(':');
    const field = colon < 0 ? word : word.slice(0, colon);
    return { field, header: word.slice(colon + 1) };
  });
}

/** The time that `since` says; `undefined`: it says none. */
function sinceMs(since: string, nowMs: number): number | undefined {
  if (since === 'oldest') return 0;
  if (since === 'now') return nowMs;
  const ms = /^\d{4}-\d\d-\d\d/.test(since) ? Date.parse(since) : Number.NaN;
  return Number.isNaN(ms) ? undefined : ms;
}

/** No batch has more events, whatever channels take. */
const maxBatchEvents = 16_384;
/** How long to wait after journalctl has ended. */
const restartMs = 3_000;

class JournalSource implements Source {
  readonly #config: JournalConfig;
  readonly #context: SourceContext;
  readonly #rare: RareLog;
  /** What journalctl is asked for, but where it begins. */
  readonly #filter: readonly string[];
  readonly #streams: JournalStreams;
  readonly #entries: JournalEntries;
  /** Resolves when journalctl has ended for good. Absent: the source is not started. */
  #over: Promise<void> | undefined;
  #stopping = new AbortController();
  /** journalctl's output is not read until the channels have taken some. */
  #paused: Socket | undefined;

  constructor(config: JournalConfig, context: SourceContext) {
    this.#config = config;
    this.#context = context;
    this.#rare = new RareLog(context.log, context.clock);
    const { units, priority, matches, batchSize, body, maxBodyBytes } = config;
    this.#filter = [
      ...units.map((unit) => `--unit=${unit}`),
      ...(priority === undefined ? [] : [`--priority=${priority}`]),
      ...matches,
    ];
    this.#streams = new JournalStreams(context, this.#filter.join(' '));
    const maxEvents = Math.min(batchSize, context.transactionCapacity, maxBatchEvents);
    const options = { body, headers: headersOf(config), maxBodyBytes, maxEvents };
    this.#entries = new JournalEntries(options, this.#streams, context.counters, this.#rare);
  }

  /** @throws when there is no journalctl; the supervisor says so once, and tries again */
  async start(): Promise<void> {
    const { clock } = this.#context;
    this.#stopping = new AbortController();
    const program = await RunningCommand.start([this.#config.journalctl, '--version'], clock);
    program.output.resume();
    program.errors.resume();
    await program.ended;
    this.#entries.clear();
    const sinceUs = (sinceMs(this.#config.since, clock.now()) ?? 0) * 1000;
    const { cursor, filter, sinceUs: since } = this.#streams.load(sinceUs);
    const required = cursor !== undefined && this.#streams.isFilter(filter);
    this.#over = this.#keepReading({ cursor, required, sinceUs: since });
  }

  async poll(): Promise<PollResult> {
    const { clock } = this.#context;
    const batches = this.#entries.take();
    const position = this.#streams.positionAt(this.#entries.cursor);
    const emits = batches.map(({ events }) => this.#context.emit(events));
    const refused: EntryBatch[] = [];
    let failure: unknown;
    for (const [index, result] of (await Promise.allSettled(emits)).entries()) {
      const batch = batches[index] as EntryBatch;
      if (result.status === 'fulfilled') this.#entries.done(batch);
      else {
        refused.push(batch);
        failure ??= result.reason;
      }
    }
    this.#entries.giveBack(refused);
    if (this.#paused && !this.#entries.isFull) {
      this.#paused.resume();
      this.#paused = undefined;
    }
    if (refused.length > 0) throw failure;
    this.#streams.handedOn(position);
    this.#streams.keepPosition(clock.monotonic());
    return batches.length > 0 ? 'ready' : 'idle';
  }

  async stop(): Promise<void> {
    if (!this.#over) return;
    const { clock, log, streams } = this.#context;
    this.#stopping.abort();
    await this.#over;
    this.#over = undefined;
    if (this.#entries.isEmpty) {
      this.#streams.handedOn(this.#streams.positionAt(this.#entries.cursor));
    }
    // What was read and not handed on is read again.
    this.#entries.clear();
    await streams.settle().catch((error: unknown) => {
      log.debug({ error }, 'Channels can not settle now.');
    });
    this.#streams.keepPosition(clock.monotonic(), true);
  }

  /**
   * Reads what is there, then follows, again and again until the source stops. In two steps, since
   * some versions of journalctl follow the newest boot only, whatever they are asked for.
   */
  async #keepReading(first: Beginning): Promise<void> {
    const { clock, log } = this.#context;
    const { signal } = this.#stopping;
    const { sinceUs } = first;
    let beginning = first;
    while (!signal.aborted) {
      const isWhole = await this.#read([], beginning);
      if (this.#entries.lost) {
        const { cursor } = beginning;
        const said =
          'The entry at which reading stopped is gone: reading begins at the oldest one.';
        log.warn({ cursor }, said);
        beginning = { required: false, sinceUs };
        continue;
      }
      const merge = this.#config.directory === undefined ? [] : ['--merge'];
      const follow = ['--follow', '--no-tail', ...merge];
      if (isWhole) await this.#read(follow, { ...this.#here(sinceUs), required: false });
      beginning = this.#here(sinceUs);
      await clock.sleep(restartMs, signal);
    }
  }

  /** Where reading goes on. */
  #here(sinceUs: number): Beginning {
    const { cursor } = this.#entries;
    return { cursor, required: cursor !== undefined, sinceUs };
  }

  /** One run of journalctl; resolves, once it is over, to whether it has ended as it should. */
  async #read(options: readonly string[], beginning: Beginning): Promise<boolean> {
    const { clock, log } = this.#context;
    const { signal } = this.#stopping;
    if (signal.aborted) return false;
    this.#entries.begin(beginning);
    const words = [this.#config.journalctl, ...this.#argumentsFor(options, beginning)];
    const command = await RunningCommand.start(words, clock).catch((error: unknown) => {
      this.#rare.error({ error }, 'journalctl can not be run: it is tried again.');
    });
    if (!command) return false;
    const errors = new ErrorLines(command.errors, clock, log);
    const parser = new ExportParser(this.#entries.wanted, this.#entries);
    command.output.on('data', (chunk: Buffer) => this.#take(chunk, parser, command));
    const kill = () => command.kill();
    if (signal.aborted) kill();
    signal.addEventListener('abort', kill);
    const exit = await command.ended;
    signal.removeEventListener('abort', kill);
    const isWhole = exit.code === 0;
    if (isWhole) this.#entries.wasWhole();
    if (!isWhole && !signal.aborted && !this.#entries.lost) {
      const fields = { ...exit, ...(errors.last && { standardError: errors.last }) };
      this.#rare.warn(fields, 'journalctl has failed: it is run again.');
    }
    return isWhole;
  }

  #argumentsFor(options: readonly string[], { cursor, sinceUs }: Beginning): string[] {
    const { directory } = this.#config;
    return [
      '--output=export',
      '--no-pager',
      ...(directory === undefined ? [] : [`--directory=${directory}`]),
      ...options,
      ...(cursor !== undefined
        ? [`--cursor=${cursor}`]
        : sinceUs > 0
          ? [`--since=@${Math.floor(sinceUs / 1e6)}`]
          : []),
      ...this.#filter,
    ];
  }

  #take(chunk: Buffer, parser: ExportParser, command: RunningCommand): void {
    try {
      parser.push(chunk);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      this.#context.counters.EventReadFail++;
      this.#rare.error({ error }, 'What journalctl writes is not understood: it is run again.');
      command.kill();
    }
    if (this.#entries.lost) command.kill();
    else if (this.#entries.isFull) {
      this.#paused = command.output;
      command.output.pause();
    }
    if (!this.#entries.isEmpty) this.#context.wake();
  }
}
