import { strict as assert } from 'node:assert';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ChannelFullError } from '../../core/errors.ts';
import { Prng, seedFromEnvironment } from '../../testing/prng.ts';
import { FakeSpool } from './fake-spool.ts';

const runs = 25;
const steps = 60;
const maxUnits = 12;

/** What a file must give: as Flume cuts lines. */
function eventsOf(content: string): string[] {
  const bodies: string[] = [];
  const parts = content.split('\n');
  const rest = parts.pop() ?? '';
  const cut = (line: string, ended: boolean) => {
    let left = line;
    while (left.length >= maxUnits) {
      bodies.push(left.slice(0, maxUnits));
      left = left.slice(maxUnits);
    }
    if (ended || left !== '') bodies.push(left);
  };
  for (const part of parts) cut(part, true);
  cut(rest, false);
  return content === '' ? [''] : bodies;
}

/** Lines that all say which they are. */
function contentOf(name: string, random: Prng): string {
  if (random.chance(1 / 10)) return '';
  const lines = Array.from({ length: 1 + random.integer(12) }, (_, index) => {
    const filler = 'abcdefghijklmnopqrstuvwxyz'.slice(0, random.integer(27));
    return `${name}.${index}${random.chance(1 / 3) ? filler : ''}`;
  });
  return lines.join('\n') + (random.chance(2 / 3) ? '\n' : '');
}

class Schedule {
  readonly random: Prng;
  readonly spool: FakeSpool;
  /** Per event, how often it must be delivered in the end. */
  readonly expected = new Map<string, number>();
  #files = 0;

  constructor(seed: number) {
    this.random = new Prng(seed);
    const { random } = this;
    const policy = random.pick<Record<string, string>>([
      {},
      { deletePolicy: 'immediate' },
      { trackingPolicy: 'tracker_dir' },
    ]);
    this.spool = new FakeSpool(
      {
        ...policy,
        batchSize: String(1 + random.integer(5)),
        'deserializer.maxLineLength': String(maxUnits),
        consumeOrder: random.pick(['oldest', 'youngest', 'random']),
        recursiveDirectorySearch: 'true',
      },
      seed,
    );
  }

  drop(): void {
    const name = `${this.random.pick(['', 'x/'])}f${this.#files++}`;
    const content = contentOf(name.replace('/', ''), this.random);
    this.spool.drop(name, content);
    for (const body of eventsOf(content)) {
      this.expected.set(body, (this.expected.get(body) ?? 0) + 1);
    }
  }

  async step(): Promise<void> {
    const { spool, random } = this;
    const kind = random.integer(10);
    if (kind < 3) this.drop();
    else if (kind < 6) await spool.poll().catch(refused);
    else if (kind < 7) spool.context.commit(() => random.chance(0.5));
    else if (kind < 8) {
      spool.context.commit();
      await spool.poll().catch(refused);
    } else if (random.chance(0.5)) {
      await spool.crash();
      await spool.start();
    } else {
      await spool.stop();
      await spool.start();
    }
    this.check();
  }

  /** No file has its final name, or is gone, before all of it is committed. */
  check(): void {
    const { committed } = this.spool.context;
    const seen = new Set(committed.map(({ body }) => body));
    const left = readdirSync(this.spool.directory, { recursive: true, encoding: 'utf8' });
    for (const name of left.filter((each) => each.endsWith('.COMPLETED'))) {
      if (name.includes('.flumespool')) continue;
      const content = readFileSync(this.spool.path(name), 'utf8');
      for (const body of eventsOf(content)) assert(seen.has(body), `${name} was renamed too early`);
    }
  }

  async finish(): Promise<void> {
    const { spool } = this;
    spool.context.beforePut = undefined;
    for (let round = 0; round < 5; round++) await spool.pass();
    const counts = new Map<string, number>();
    for (const { body } of spool.context.committed) counts.set(body, (counts.get(body) ?? 0) + 1);
    assert.deepEqual([...counts].sort(), [...this.expected].sort());
    assert.equal(spool.streamCount, 0, 'every stream is forgotten in the end');
    assert.equal(spool.context.counters.EventReadFail, 0);
  }
}

function refused(error: unknown): void {
  if (!(error instanceof ChannelFullError)) throw error;
}

test('whatever happens, every event of every file is committed once', async (context) => {
  const seed = seedFromEnvironment();
  context.diagnostic(`MILLRACE_SEED=${seed}`);
  for (let run = 0; run < runs; run++) {
    const schedule = new Schedule(seed + run);
    const { random, spool } = schedule;
    spool.context.beforePut = () => {
      if (random.chance(1 / 8)) throw new ChannelFullError('c1', 'for a test');
    };
    try {
      await spool.start();
      for (let step = 0; step < steps; step++) await schedule.step();
      await schedule.finish();
    } catch (error) {
      throw new Error(`MILLRACE_SEED=${seed + run}`, { cause: error });
    } finally {
      await spool.end();
    }
  }
});
