import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { ChannelFullError } from '../core/errors.ts';
import type { Source, SourceContext } from '../core/source.ts';
import { FakeSourceContext } from './fake-source-context.ts';

/** Something a source reads, and how it is made to read it. */
export interface SourceInput {
  /** Makes the source; called again after a stop or a crash, for the same input. */
  create(context: SourceContext): Source;
  /** The next events that the input will give: `count` bodies. Absent: `line 0`, `line 1` … */
  readonly bodies?: (count: number) => readonly string[];
  /** Gives the source bytes to read, each body ended by a newline. A generator ignores it. */
  write(bytes: Buffer): Promise<void>;
  /** How many events the peer was told of as taken; absent where a source has nobody to tell. */
  readonly acknowledged?: () => number;
  /** A longer line does not arrive as one event. Absent: the input has no lines. */
  readonly maxLineBytes?: number;
  close(): Promise<void>;
}

/** A source under test. */
export interface SourceSubject {
  /** A fresh input. The sources it makes hand on events in batches of at most 10. */
  readonly open: () => Promise<SourceInput>;
  /** Can it read again what was lost? As its definition says. */
  readonly rereads: boolean;
  /** Promises this source does not make: title → reason. */
  readonly skip?: Readonly<Record<string, string>>;
}

/** Events of a test; more than a batch. */
const eventCount = 25;
/** How long something real (a socket, the disk) may take. */
const patienceMs = 5_000;

/** What every source promises: one call in each source's own test file. */
export function sourceContract(name: string, subject: SourceSubject): void {
  const promises = (title: string, body: (run: SourceRun) => Promise<void>) => {
    const skip = subject.skip?.[title] ?? false;
    test(`${name} source: ${title}`, { skip }, async () => {
      const run = new SourceRun(await subject.open());
      try {
        await body(run);
      } finally {
        await run.end();
      }
    });
  };

  promises('it hands on every event, in order', async (run) => {
    await run.start();
    await run.write();
    await run.arrive(run.expected);
  });

  promises('input that comes byte by byte gives the same events', async (run) => {
    await run.start();
    for (const byte of run.bytes) {
      await run.input.write(Buffer.from([byte]));
      await run.pump();
    }
    await run.arrive(run.expected);
  });

  promises('nothing is acknowledged before emit has resolved', async (run) => {
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    let arrived = false;
    run.context.beforePut = () => {
      arrived = true;
      return held;
    };
    await run.start();
    const written = run.write();
    const pumped = run.pump();
    await until(() => arrived, 'the first emit');
    assert.equal(run.input.acknowledged?.() ?? 0, 0);
    run.context.beforePut = undefined;
    release();
    await written;
    await pumped;
    await run.arrive(run.expected);
  });

  promises('what a full channel refused is emitted again, in order', async (run) => {
    let refusals = 3;
    let calls = 0;
    run.context.beforePut = () => {
      if (++calls % 2 === 0 && refusals-- > 0) throw new ChannelFullError('c1', 'for a test');
    };
    await run.start();
    await run.write();
    await run.arrive(run.expected);
    assert(calls > 2);
  });

  promises('a stop is safe before the start, and twice', async (run) => {
    const source = run.input.create(run.context);
    await source.stop();
    await source.start();
    await source.stop();
    await source.stop();
  });

  if (subject.rereads) promisesOfReaders(promises);

  promises('a line that is too long costs only itself', async (run) => {
    const { maxLineBytes } = run.input;
    if (maxLineBytes === undefined) return;
    await run.start();
    const long = 'x'.repeat(maxLineBytes * 3 + 1);
    await run.input.write(Buffer.from(`before\n${long}\nafter\n`));
    await until(async () => {
      await run.pump();
      return run.context.bodies.includes('after');
    }, 'the line after');
    const bodies = run.context.bodies;
    assert.equal(bodies[0], 'before');
    assert(bodies.every((body) => body.length <= maxLineBytes));
    if (subject.rereads) assert.equal(bodies.slice(1, -1).join(''), long);
  });
}

/** What sources promise that can read again. */
function promisesOfReaders(
  promises: (title: string, body: (run: SourceRun) => Promise<void>) => void,
): void {
  promises('after a restart it goes on where it was', async (run) => {
    await run.start();
    await run.write();
    await run.arrive(run.expected);
    await run.restart();
    await run.write();
    await run.arrive([...run.expected, ...run.expected]);
  });

  promises('what came while it was stopped is read', async (run) => {
    await run.start();
    await run.restart(() => run.write());
    await run.arrive(run.expected);
  });

  promises('after a crash it reads again what was not committed', async (run) => {
    await run.start();
    await run.write();
    await run.arrive(run.expected);
    let count = 0;
    run.context.commit(() => ++count <= 10);
    run.context.crash();
    await run.restart();
    await run.arrive(run.expected);
  });

  promises('islands that were committed are not emitted again', async (run) => {
    await run.start();
    await run.write();
    await run.arrive(run.expected);
    let count = 0;
    run.context.commit(() => ++count % 3 === 0);
    run.context.crash();
    await run.restart();
    await run.arrive([...run.expected].sort(), true);
  });
}

/** One source at work. */
class SourceRun {
  readonly input: SourceInput;
  readonly context = new FakeSourceContext();
  readonly expected: readonly string[];
  #source: Source | undefined;

  constructor(input: SourceInput) {
    this.input = input;
    const numbered = Array.from({ length: eventCount }, (_, index) => `line ${index}`);
    this.expected = input.bodies?.(eventCount) ?? numbered;
  }

  get bytes(): Buffer {
    return Buffer.from(this.expected.map((body) => `${body}\n`).join(''));
  }

  async start(): Promise<void> {
    this.#source = this.input.create(this.context);
    await this.#source.start();
  }

  write(): Promise<void> {
    return this.input.write(this.bytes);
  }

  async restart(meanwhile: () => Promise<void> = async () => {}): Promise<void> {
    await this.#source?.stop();
    await meanwhile();
    await this.start();
  }

  /** Polls until there is nothing to do for now; as a runner does, again after a failure. */
  async pump(): Promise<void> {
    const source = this.#source;
    if (!source?.poll) return;
    for (let rounds = 0; rounds < 1000; rounds++) {
      const result = await source.poll(AbortSignal.timeout(patienceMs)).catch(() => 'failed');
      if (result === 'idle') return;
      if (this.context.events.length > this.expected.length * 10) return;
    }
    assert.fail('the source is never idle');
  }

  /** Waits until these bodies have arrived, no others among them. */
  async arrive(expected: readonly string[], anyOrder = false): Promise<void> {
    await until(async () => {
      await this.pump();
      return this.context.bodies.length >= expected.length;
    }, `${expected.length} events`);
    const bodies = [...this.context.bodies];
    assert.deepEqual(anyOrder ? bodies.sort() : bodies, expected);
  }

  async end(): Promise<void> {
    this.context.beforePut = undefined;
    await this.#source?.stop();
    await this.input.close();
  }
}

/** Waits for the world outside, which no test clock moves. */
async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (!(await condition())) {
    assert(performance.now() < deadline, `waited for ${what}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
