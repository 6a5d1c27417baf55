import type { Socket } from 'node:net';
import type { FieldProblem } from '../config/definition.ts';
import { defineSource } from '../config/definition.ts';
import { boolean, type ConfigOf, integer, optionalText, text } from '../config/field.ts';
import { MillraceError } from '../core/errors.ts';
import { RareLog } from '../core/rare-log.ts';
import type { PollResult, Source, SourceContext } from '../core/source.ts';
import type { LineRun } from '../framing/line-run.ts';
import {
  multiLineFields,
  multiLineNotes,
  multiLineProblems,
  multiLineRulesOf,
} from '../framing/multi-line.ts';
import { StreamGroups } from '../framing/stream-groups.ts';
import { ErrorLines } from '../processes/error-lines.ts';
import { type CommandExit, RunningCommand } from '../processes/running-command.ts';
import { OutputLines } from './exec/output-lines.ts';
import { PendingLines } from './exec/pending-lines.ts';
import { type WellFormed, wellFormed } from './exec/well-formed.ts';

const fields = {
  command: text({
    doc: 'What is run; without `shell` it is split at blanks, and quotes mean nothing.',
  }),
  shell: optionalText({
    doc: 'What runs the command, such as `/bin/sh -c`; the whole command is its last argument.',
    defaultText: 'none: the command is run directly',
  }),
  restart: boolean({ doc: 'Runs the command again when it has ended.', default: false }),
  restartThrottle: integer({
    doc: 'How long to wait before that, however the command ended.',
    unit: 'ms',
    default: 10_000,
  }),
  logStdErr: boolean({
    doc: 'Logs what the command writes to its standard error; at most 100 lines in 10 s.',
    default: false,
  }),
  batchSize: integer({
    doc: 'Lines that are handed on as soon as there are so many; 1 or less: each line at once.',
    unit: 'events',
    default: 20,
  }),
  batchTimeout: integer({
    doc: 'Lines wait at most so long for others, counted from when lines were handed on last.',
    unit: 'ms',
    default: 3_000,
  }),
  charset: text({
    doc: 'What the bytes are; in UTF-8 those that are no character become U+FFFD, as in Flume.',
    default: 'UTF-8',
  }),
  maxLineBytes: integer({
    doc:
      'A longer line becomes several events; all but the last have the header ' +
      '`millrace.line` = `cut`.',
    unit: 'bytes',
    min: 4,
    max: 1024 ** 3,
    default: 4 * 1024 * 1024,
    extra: true,
  }),
  ...multiLineFields,
};

type ExecConfig = ConfigOf<typeof fields>;

export const execSource = defineSource({
  type: 'exec',
  classes: ['org.apache.flume.source.ExecSource'],
  summary: 'Runs a command; each line that it writes to its standard output is an event.',
  notes: `A command can't be asked to write again what was lost: what waits in a memory channel, or
in the source for \`batchTimeout\`, is gone when the agent dies. The commonest command, \`tail -F
/var/log/app.log\`, also sends the last ten lines again at each start and misses what came while it
was down. These lines do the same and lose and double nothing:

\`\`\`properties
type = TAILDIR
filegroups = f1
filegroups.f1 = /var/log/app\\\\.log
\`\`\`

For \`journalctl -f\` there is the source \`journal\`.

- LF, CR and CRLF end a line; a last line without one is an event when the output ends.
- While the channels are full the command's output is not read: the command waits, and nothing is
  lost. Flume drops the waiting lines then and ends the command.
- A batch has at least \`batchSize\` lines while there are so many, and may have as many as the
  channels take at once.
- The command has its own process group. At a stop the group gets SIGTERM and, 5 seconds later,
  SIGKILL. When the agent itself is killed, the group is killed at once, by a small shell that
  waits beside it (\`/bin/sh\` must be there); Flume leaves such commands behind. What leaves the
  group (\`setsid\`, a daemon) is left alone.
- Standard error is always read. Its last line is logged when the command ends.
- UTF-16 and UTF-32 can't be told into lines: let the command convert, \`… | iconv -f UTF-16 -t
  UTF-8\`. To have any bytes left as they are, set \`charset = ISO-8859-1\`.

${multiLineNotes}`,
  rereads: false,
  fields,
  example: `type = exec
shell = /bin/sh -c
command = vmstat -n 5 | grep -v procs
restart = true`,
  check: (config) => problemsOf(config),
  batchSize: (config) => config.batchSize,
  create: (config, context) => new ExecSource(config, context),
});

function problemsOf(config: ExecConfig): readonly FieldProblem[] {
  const problems = [...multiLineProblems(config)];
  const { charset } = config;
  if (!wellFormed(charset)) {
    const problem = `${charset} is unknown, or has no bytes that end a line`;
    problems.push({ key: 'charset', problem });
  }
  return problems;
}

/** No batch has more events, whatever channels take. */
const maxBatchEvents = 16_384;
/** How long a stop goes on trying when the channels refuse the last lines. */
const lastLinesMs = 3_000;
const retryPauseMs = 50;

/** One run of the command. */
interface Run {
  readonly command: RunningCommand;
  readonly lines: OutputLines;
  /** Absent: each line is an event. */
  readonly groups: StreamGroups | undefined;
  readonly errors: ErrorLines;
}

class ExecSource implements Source {
  readonly #config: ExecConfig;
  readonly #context: SourceContext;
  readonly #rare: RareLog;
  readonly #words: readonly string[];
  readonly #wellFormed: WellFormed;
  readonly #pending = new PendingLines();
  readonly #maxEvents: number;
  /** Resolves when the command has ended for good. Absent: the source is not started. */
  #over: Promise<void> | undefined;
  #stopping = new AbortController();
  /** Its output is not read until the channels have taken some. */
  #paused: Socket | undefined;
  /** The output has ended: what is left is handed on. */
  #flushes = false;
  #flushedAt: number;
  #timerRuns = false;
  /** The last event was a piece, so that the next one belongs to it. */
  #insideEvent = false;
  #whenChanged: (() => void) | undefined;

  constructor(config: ExecConfig, context: SourceContext) {
    this.#config = config;
    this.#context = context;
    this.#rare = new RareLog(context.log, context.clock);
    this.#words = wordsOf(config);
    this.#wellFormed = wellFormed(config.charset) ?? ((run) => run);
    this.#maxEvents = Math.min(context.transactionCapacity, maxBatchEvents);
    this.#flushedAt = context.clock.monotonic();
  }

  /** @throws when the command can't be run; the supervisor says so once, and tries again */
  async start(): Promise<void> {
    this.#stopping = new AbortController();
    const run = await this.#begin();
    this.#context.log.info(
      { pid: run.command.pid, command: this.#words },
      'The command was started.',
    );
    this.#over = this.#keepRunning(run);
  }

  async poll(signal: AbortSignal): Promise<PollResult> {
    while (!signal.aborted) {
      if (!this.#isDue()) {
        this.#wakeWhenDue();
        return 'idle';
      }
      await this.#handOn();
    }
    return 'ready';
  }

  async stop(): Promise<void> {
    if (!this.#over) return;
    const { clock, counters, log } = this.#context;
    let deadline = Number.POSITIVE_INFINITY;
    const over = this.#over.then(() => {
      deadline = clock.monotonic() + lastLinesMs;
    });
    this.#over = undefined;
    this.#stopping.abort();
    // What it still writes may be more than may wait here.
    for (;;) {
      if (this.#pending.count > 0) {
        if (clock.monotonic() >= deadline) break;
        if (!(await this.#handedOn())) await clock.sleep(retryPauseMs);
      } else if (deadline < Number.POSITIVE_INFINITY) break;
      else await Promise.race([over, this.#changed()]);
    }
    const lost = this.#pending.clear();
    if (lost === 0) return;
    counters.EventDropCount += lost;
    log.warn({ lines: lost }, 'Lines are lost: the channels refused them at a stop.');
  }

  async #begin(): Promise<Run> {
    const { clock, log } = this.#context;
    const { maxLineBytes, logStdErr } = this.#config;
    const command = await RunningCommand.start(this.#words, clock);
    const rules = multiLineRulesOf(this.#config);
    const groups = rules && new StreamGroups(rules, clock, (run) => this.#take(run));
    const lines = new OutputLines(maxLineBytes, (run) => {
      const wellFormed = this.#wellFormed(run);
      if (groups) groups.push(wellFormed);
      else this.#take(wellFormed);
    });
    const errors = new ErrorLines(command.errors, clock, logStdErr ? log : undefined);
    command.output.on('data', (chunk: Buffer) => {
      lines.push(chunk);
      if (!this.#pending.isFull) return;
      this.#paused = command.output;
      command.output.pause();
    });
    log.debug({ pid: command.pid }, 'The command runs.');
    return { command, lines, groups, errors };
  }

  /** Resolves when the command has ended and is not to run again. */
  async #keepRunning(first: Run): Promise<void> {
    const { restart, restartThrottle } = this.#config;
    const { signal } = this.#stopping;
    let run: Run | undefined = first;
    for (;;) {
      if (run) await this.#untilEnd(run, signal);
      if (!restart || signal.aborted) return;
      await this.#context.clock.sleep(restartThrottle, signal);
      if (signal.aborted) return;
      run = await this.#begin().catch((error: unknown) => {
        this.#rare.error({ error }, 'The command can not be run: it is tried again.');
        return undefined;
      });
    }
  }

  async #untilEnd({ command, lines, groups, errors }: Run, signal: AbortSignal): Promise<void> {
    const stop = () => void command.stop();
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop);
    const exit = await command.ended;
    signal.removeEventListener('abort', stop);
    lines.end();
    groups?.end();
    this.#insideEvent = false;
    this.#flushes = this.#pending.count > 0;
    this.#arrived();
    this.#sayEnd(exit, errors.last, signal.aborted);
  }

  #sayEnd({ code, signal }: CommandExit, standardError: string, stopped: boolean): void {
    const { log } = this.#context;
    const fields = { code, signal, ...(standardError && { standardError }) };
    if (stopped) log.info(fields, 'The command was stopped.');
    else if (this.#config.restart) {
      if (code === 0) log.debug(fields, 'The command has ended: it will run again.');
      else this.#rare.warn(fields, 'The command has failed: it will run again.');
    } else if (code === 0) log.info(fields, 'The command has ended.');
    else log.warn(fields, 'The command has failed: nothing more comes from it.');
  }

  /** Takes events, as lines or joined. */
  #take(run: LineRun): void {
    for (let row = 0; row < run.count; row++) {
      const cut = run.cut[row] === 1;
      if (cut && !this.#insideEvent) this.#sayCut();
      this.#insideEvent = cut;
    }
    this.#pending.add(run);
    this.#arrived();
  }

  #sayCut(): void {
    const { maxLineBytes, multiLineMaxLines, multiLineMaxBytes } = this.#config;
    this.#context.counters.LineTooLongCount++;
    if (multiLineRulesOf(this.#config)) {
      const limits = { maxLines: multiLineMaxLines, maxBytes: multiLineMaxBytes };
      const said =
        'An event is longer than multiline.maxLines or multiline.maxBytes; it becomes several.';
      this.#rare.warn(limits, said);
    } else {
      const said = 'A line is longer than maxLineBytes; it becomes several events.';
      this.#rare.warn({ maxLineBytes }, said);
    }
  }

  /** Something has come, or ended. */
  #arrived(): void {
    this.#whenChanged?.();
    this.#whenChanged = undefined;
    if (this.#isDue()) this.#context.wake();
    else this.#wakeWhenDue();
  }

  #isDue(): boolean {
    const { count, isFull } = this.#pending;
    if (count === 0) return false;
    return count >= this.#config.batchSize || isFull || this.#flushes || this.#dueInMs() <= 0;
  }

  #dueInMs(): number {
    return this.#flushedAt + this.#config.batchTimeout - this.#context.clock.monotonic();
  }

  #wakeWhenDue(): void {
    if (this.#timerRuns || this.#pending.count === 0) return;
    const { clock } = this.#context;
    const { signal } = this.#stopping;
    this.#timerRuns = true;
    void clock.sleep(this.#dueInMs(), signal).then(() => {
      this.#timerRuns = false;
      if (!signal.aborted) this.#context.wake();
    });
  }

  /** @throws when the channels refuse the lines: they are handed on later */
  async #handOn(): Promise<void> {
    await this.#context.emit(this.#pending.next(this.#maxEvents));
    this.#pending.taken();
    this.#flushedAt = this.#context.clock.monotonic();
    if (this.#pending.count === 0) this.#flushes = false;
    if (this.#paused && !this.#pending.isFull) {
      this.#paused.resume();
      this.#paused = undefined;
    }
  }

  /** Hands on, at a stop: false when the channels refuse. */
  async #handedOn(): Promise<boolean> {
    try {
      await this.#handOn();
      return true;
    } catch (error) {
      if (error instanceof MillraceError && error.retryable) return false;
      this.#context.counters.GenericProcessingFail++;
      this.#rare.error({ error }, 'Lines can not be handed on.');
      return false;
    }
  }

  #changed(): Promise<void> {
    return new Promise((resolve) => {
      this.#whenChanged = resolve;
    });
  }
}

/** The program and its arguments, split as Flume does. */
function wordsOf({ command, shell }: ExecConfig): readonly string[] {
  const split = (words: string) => words.split(/[ \t\n\v\f\r]+/).filter(Boolean);
  return shell === undefined ? split(command) : [...split(shell), command];
}
