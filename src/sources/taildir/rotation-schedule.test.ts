import { strict as assert } from 'node:assert';
import { existsSync } from 'node:fs';
import {
  appendFile,
  copyFile,
  readFile,
  rename,
  truncate,
  unlink,
  writeFile,
} from 'node:fs/promises';
import { test } from 'node:test';
import { ChannelFullError } from '../../core/errors.ts';
import { Prng, seedFromEnvironment } from '../../testing/prng.ts';
import { FakeRunner } from './fake-runner.ts';

const schedules = 12;
const steps = 80;

test('every line arrives exactly once, in order, however files are rotated', async (context) => {
  const seed = seedFromEnvironment();
  context.diagnostic(`MILLRACE_SEED=${seed}`);
  for (let each = 0; each < schedules; each++) await runSchedule(seed + each);
});

async function runSchedule(seed: number): Promise<void> {
  const schedule = new Schedule(seed);
  try {
    await schedule.run();
  } catch (error) {
    const message = `seed ${seed}, after:\n${schedule.history.slice(-25).join('\n')}`;
    throw new Error(message, { cause: error });
  } finally {
    await schedule.tailing.end();
  }
}

/** A log file as its writer sees it. */
interface Log {
  readonly name: string;
  /** Lines begun so far. */
  count: number;
  /** What the last line still lacks. */
  rest: string;
}

/**
 * One random life of two log files and of an agent that tails them, with an oracle that knows which
 * lines were written. What no tailer could find again is left out: files renamed to where no
 * pattern looks, or copied there, before the agent has seen them, and files deleted before they
 * were committed.
 */
class Schedule {
  readonly tailing: FakeRunner;
  readonly history: string[] = [];
  readonly #random: Prng;
  readonly #logs: readonly Log[] = ['app.log', 'db.log'].map((name) => {
    return { name, count: 0, rest: '' };
  });
  #running = false;
  #names = 0;

  constructor(seed: number) {
    this.#random = new Prng(seed);
    this.tailing = new FakeRunner({
      batchSize: String(1 + this.#random.integer(20)),
      maxOpenFiles: String(1 + this.#random.integer(4)),
    });
    this.tailing.files = { g: '(app|db)\\.log(\\.\\d+)?' };
  }

  async run(): Promise<void> {
    for (let step = 0; step < steps; step++) await this.#step();
    await this.#settle();
    await this.#pass(6_000);
    await this.tailing.poll();
    this.tailing.context.commit();
    this.#check();
  }

  async #step(): Promise<void> {
    const log = this.#random.pick(this.#logs);
    const chance = this.#random.integer(100);
    if (chance < 35) await this.#write(log);
    else if (chance < 55) await this.#poll();
    else if (chance < 63) this.#commit();
    else if (chance < 69) await this.#renameWithin(log);
    else if (chance < 73) await this.#renameAway(log);
    else if (chance < 81) await this.#copyTruncate(log);
    else if (chance < 85) await this.#copyAwayTruncate(log);
    else if (chance < 90) await this.#pass(this.#random.integer(7_000));
    else if (chance < 96) await this.#restart();
    else await this.#crash();
  }

  #note(text: string): void {
    this.history.push(text);
  }

  async #append(log: Log, text: string): Promise<void> {
    await appendFile(this.tailing.path(log.name), text);
  }

  async #write(log: Log): Promise<void> {
    let text = log.rest;
    log.rest = '';
    const count = 1 + this.#random.integer(30);
    for (let line = 0; line < count; line++) {
      text += `${log.name} ${log.count++} ${'.'.repeat(this.#random.integer(120))}\n`;
    }
    if (this.#random.chance(0.3)) {
      const kept = text.length - 1 - this.#random.integer(8);
      log.rest = text.slice(kept);
      text = text.slice(0, kept);
    }
    this.#note(`write ${log.name}: up to ${log.count}, without ${log.rest.length} bytes`);
    await this.#append(log, text);
  }

  async #finishLine(log: Log): Promise<void> {
    if (log.rest === '') return;
    await this.#append(log, log.rest);
    log.rest = '';
  }

  async #poll(): Promise<void> {
    if (!this.#running) return;
    const { context } = this.tailing;
    if (this.#random.chance(0.3)) {
      let left = this.#random.integer(5);
      context.beforePut = () => {
        if (left-- <= 0 && this.#random.chance(0.7)) throw new ChannelFullError('c1', 'for a test');
      };
    }
    const failed = await this.tailing.poll().then(
      () => false,
      (error) => {
        assert(error instanceof Error && 'code' in error, String(error));
        return true;
      },
    );
    context.beforePut = undefined;
    this.#note(`poll${failed ? ', refused' : ''}`);
  }

  /** Makes sure that the agent has all there is. */
  async #settle(): Promise<void> {
    for (const log of this.#logs) await this.#finishLine(log);
    if (!this.#running) await this.#start();
    await this.tailing.poll();
    this.#note('settled');
  }

  #commit(): void {
    const chance = this.#random.next();
    this.#note('commit');
    this.tailing.context.commit(() => this.#random.chance(chance));
  }

  /** Makes room for `.1`; what was `.3` goes, after it has arrived. */
  async #shift(log: Log): Promise<void> {
    const name = (index: number) => this.tailing.path(`${log.name}.${index}`);
    if (existsSync(name(3))) {
      await this.#settle();
      this.tailing.context.commit();
      await unlink(name(3));
    }
    for (const index of [2, 1]) {
      if (existsSync(name(index))) await rename(name(index), name(index + 1));
    }
  }

  async #renameWithin(log: Log): Promise<void> {
    if (!existsSync(this.tailing.path(log.name))) return;
    await this.#finishLine(log);
    await this.#shift(log);
    this.#note(`rename ${log.name} within the pattern`);
    await rename(this.tailing.path(log.name), this.tailing.path(`${log.name}.1`));
  }

  async #renameAway(log: Log): Promise<void> {
    if (!existsSync(this.tailing.path(log.name))) return;
    await this.#write(log);
    await this.#settle();
    if (this.#random.chance(0.4)) await this.#stop();
    if (this.#random.chance(0.5)) await this.#write(log);
    await this.#finishLine(log);
    this.#note(`rename ${log.name} away`);
    await rename(this.tailing.path(log.name), this.tailing.path(`away-${this.#names++}`));
  }

  async #copyTruncate(log: Log): Promise<void> {
    const path = this.tailing.path(log.name);
    if (!existsSync(path)) return;
    await this.#finishLine(log);
    await this.#shift(log);
    this.#note(`copy ${log.name} within the pattern`);
    await this.#copyInPieces(path, `${path}.1`);
    if (this.#random.chance(0.4)) await this.#poll();
    this.#note(`truncate ${log.name}`);
    await truncate(path, 0);
  }

  /** The agent may see a copy in the making, die beside it, and see more of it when it is back. */
  async #copyInPieces(from: string, to: string): Promise<void> {
    const content = await readFile(from);
    const pieces = this.#random.chance(0.5) ? 1 : 2 + this.#random.integer(4);
    const length = Math.ceil(content.length / pieces);
    await writeFile(to, content.subarray(0, length));
    for (let copied = length; copied < content.length; copied += length) {
      const chance = this.#random.next();
      if (chance < 0.4) await this.#poll();
      else if (chance < 0.5) await this.#pass(1_000);
      else if (chance < 0.6) await this.#restart();
      else if (chance < 0.7) await this.#crash();
      this.#note(`${copied} of ${content.length} bytes were copied`);
      await appendFile(to, content.subarray(copied, copied + length));
    }
  }

  async #copyAwayTruncate(log: Log): Promise<void> {
    const path = this.tailing.path(log.name);
    if (!existsSync(path)) return;
    await this.#write(log);
    await this.#settle();
    if (this.#random.chance(0.4)) await this.#stop();
    if (this.#random.chance(0.5)) await this.#write(log);
    await this.#finishLine(log);
    this.#note(`copy ${log.name} away and truncate`);
    await copyFile(path, `${path}-copy-${this.#names++}`);
    if (this.#random.chance(0.4)) await this.#poll();
    await truncate(path, 0);
  }

  /** Lets time pass; no line is left unfinished, since an idle one would be cut. */
  async #pass(ms: number): Promise<void> {
    for (const log of this.#logs) await this.#finishLine(log);
    this.#note(`${ms} ms pass`);
    const { clock } = this.tailing.context;
    await clock.advance(ms);
    // The age of a file is by the real time of day.
    clock.set(Date.now());
  }

  async #start(): Promise<void> {
    this.#note('start');
    this.#running = true;
    await this.tailing.start();
  }

  async #stop(): Promise<void> {
    this.#note('stop');
    this.#running = false;
    await this.tailing.stop();
  }

  async #restart(): Promise<void> {
    if (this.#running) await this.#stop();
    else await this.#start();
  }

  async #crash(): Promise<void> {
    this.#note('crash');
    this.#running = false;
    await this.tailing.crash();
  }

  #check(): void {
    const { committed } = this.tailing.context;
    for (const log of this.#logs) {
      const numbers = committed.flatMap(({ body }) => numberOf(body, log.name) ?? []);
      numbers.sort((a, b) => a - b);
      const wanted = Array.from({ length: log.count }, (_, index) => index);
      assert.deepEqual(differences(numbers, wanted), { missing: [], extra: [] });
    }
    for (const stream of new Set(committed.map((event) => event.stream))) {
      const events = committed.filter((event) => event.stream === stream);
      events.sort((a, b) => a.from - b.from);
      const numbers = events.map(({ body }) => Number(body.split(' ')[1]));
      const sorted = [...numbers].sort((a, b) => a - b);
      assert.deepEqual(numbers, sorted);
    }
  }
}

/** The number of a whole line of that log. */
function numberOf(body: string, name: string): number | undefined {
  const match = /^(\S+) (\d+) \.*$/.exec(body);
  assert(match, `not a line that was written: ${body}`);
  return match[1] === name ? Number(match[2]) : undefined;
}

function differences(found: readonly number[], wanted: readonly number[]) {
  const missing = wanted.filter((number) => !found.includes(number));
  const extra = found.filter((number, index) => number === found[index - 1]);
  return { missing, extra };
}
