import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { type Logger, silentLogger } from '../core/log.ts';
import { SinkCounters } from '../core/metrics.ts';
import type { Sink, SinkContext } from '../core/sink.ts';
import { ManualClock } from './manual-clock.ts';
import { Prng, seedFromEnvironment } from './prng.ts';
import { type OperationName, SimulatedDisk } from './simulated-disk.ts';
import { bodyOf, FakeChannel, type FakeChannelOptions } from './sink-contract/fake-channel.ts';

/** A sink under test. Bodies are short ASCII words without blanks and line ends. */
export interface SinkSubject {
  readonly create: (context: SinkContext) => Sink;
  /** Does it commit and release by itself? */
  readonly settles: boolean;
  /** The bodies that arrived, in order; absent: nothing can be asked for them. */
  readonly delivered?: (disk: SimulatedDisk) => string[] | Promise<string[]>;
  /** What must be there before the sink starts, such as its directory. */
  readonly prepare?: (disk: SimulatedDisk) => void;
  /**
   * Makes the destination fail, and returns how to end that; absent: every write to the disk fails.
   * `false`: it can't fail.
   */
  readonly break?: ((disk: SimulatedDisk) => () => void) | false;
  /** What events are logged to, when the log is the destination. */
  readonly log?: Logger;
  /** How far the clock moves now and then, so that timers are due; default 500 ms. */
  readonly stepMs?: number;
  /** Crash tests try every so many operations; default: each one. */
  readonly crashStride?: number;
}

/** One life of a sink, with what is around it. */
class Bench {
  readonly disk: SimulatedDisk;
  readonly channel: FakeChannel;
  readonly clock: ManualClock;
  readonly sink: Sink;
  readonly counters = new SinkCounters();
  readonly #subject: SinkSubject;
  readonly #prng: Prng;

  constructor(
    subject: SinkSubject,
    prng: Prng,
    disk: SimulatedDisk,
    channel: FakeChannel,
    clock: ManualClock,
  ) {
    this.disk = disk;
    this.channel = channel;
    this.clock = clock;
    this.#subject = subject;
    this.#prng = prng;
    this.sink = subject.create(fakeSinkContext(this, prng, subject.log));
  }

  /** Takes and writes once, as a runner does. False: there was nothing to take. */
  async step(max: number): Promise<boolean> {
    const taken = this.channel.take(max);
    if (!taken) return false;
    const range = [taken.first, taken.first + taken.events.length] as const;
    try {
      await this.sink.write(taken.events, taken.first);
      if (!this.#subject.settles) await this.channel.settlement.commit([range]);
    } catch (error) {
      if (!(error instanceof assert.AssertionError)) this.channel.detach();
      throw error;
    }
    return true;
  }

  /**
   * Writes everything, in batches of random size; time passes, and marks are made.
   *
   * @param failures how many writes may reject: for what went wrong before, or is about to
   */
  async drain(failures = 0): Promise<void> {
    for (let left = failures; ; ) {
      try {
        if (!(await this.step(1 + this.#prng.integer(4)))) return;
      } catch (error) {
        if (left-- === 0) throw error;
      }
      if (this.#prng.chance(0.3)) await this.clock.advance(this.#subject.stepMs ?? 500);
      if (this.#prng.chance(0.2)) await this.channel.mark();
    }
  }

  async delivered(): Promise<string[] | undefined> {
    return this.#subject.delivered?.(this.disk);
  }
}

/** A context for a sink that is tested alone. */
export function fakeSinkContext(
  world: { disk: SimulatedDisk; channel: FakeChannel; clock: ManualClock; counters: SinkCounters },
  random: Prng,
  log: Logger = silentLogger,
): SinkContext {
  const { disk, channel, clock, counters } = world;
  const { settlement } = channel;
  return { agent: 'a1', name: 'k1', log, clock, disk, random, counters, settlement };
}

/** What every sink promises: one call in each sink's own test file. */
export function sinkContract(name: string, subject: SinkSubject): void {
  const promises: Promises = (title, body, safeAt = 'mark') => {
    test(`${name} sink: ${title}`, async () => {
      const seed = seedFromEnvironment();
      try {
        const prng = new Prng(seed);
        await body(newBench(subject, prng, { count: 40, safeAt }), prng);
      } catch (error) {
        throw new Error(`with MILLRACE_SEED=${seed}`, { cause: error });
      }
    });
  };

  promises('everything written is delivered in order, once', async (bench) => {
    await bench.sink.start();
    await bench.drain();
    await bench.sink.stop();
    await assertDone(bench);
  });

  promises('an empty batch changes nothing', async (bench) => {
    await bench.sink.start();
    const empty = newBench(subject, new Prng(1), { count: 1, safeAt: 'mark' }).channel.take(1);
    assert(empty);
    await bench.sink.write(empty.events.slice(1), 0);
    await bench.sink.stop();
    assert.deepEqual(await bench.delivered(), subject.delivered && []);
  });

  promises('stop is safe unstarted and twice, and start works again', async (bench) => {
    await bench.sink.stop();
    await bench.sink.start();
    await bench.step(4);
    await bench.sink.stop();
    await bench.sink.stop();
    assert(!bench.channel.lends, 'a stopped sink has nothing in hand');
    await bench.sink.start();
    await bench.drain();
    await bench.sink.stop();
    await assertDone(bench);
  });

  promises('stop finishes the write in hand', async (bench) => {
    await bench.sink.start();
    const writing = bench.step(4);
    await Promise.all([writing, bench.sink.stop()]);
    assert(!bench.channel.lends);
    assert.equal(bench.channel.committed.length, 4);
    const delivered = await bench.delivered();
    if (delivered) assert.deepEqual(delivered, bench.channel.committed);
  });

  if (subject.break !== false) failureContract(promises, subject);
  if (subject.settles) settlingContract(name, promises, subject);
}

type Promises = (
  title: string,
  body: (bench: Bench, prng: Prng) => Promise<void>,
  safeAt?: FakeChannelOptions['safeAt'],
) => void;

function failureContract(promises: Promises, subject: SinkSubject): void {
  const breakIt =
    subject.break ||
    ((disk: SimulatedDisk) => disk.fail({ operations: ['write'], code: 'ENOSPC' }));

  promises('while the destination fails nothing is committed; then it goes on', async (bench) => {
    await bench.sink.start();
    await bench.step(3);
    await bench.step(3);
    const mend = breakIt(bench.disk);
    let failures = 0;
    while (failures < 3) {
      // A sink that gathers fails when it can gather no more.
      await bench.step(5).catch(() => failures++);
      await bench.clock.advance(subject.stepMs ?? 500);
    }
    mend();
    await bench.drain(maxFailures);
    await bench.sink.stop();
    await assertDone(bench);
  });
}

function settlingContract(name: string, promises: Promises, subject: SinkSubject): void {
  const failNowAndThen = async (bench: Bench, prng: Prng, operations: readonly OperationName[]) => {
    await bench.sink.start();
    for (let round = 0; round < 6; round++) {
      await bench.step(2).catch(() => assert(!bench.channel.lends));
      const mend = bench.disk.fail({
        operations,
        code: 'EIO',
        times: 1 + prng.integer(3),
        chance: 0.5,
      });
      await bench.step(3).catch(() => assert(!bench.channel.lends));
      await bench.clock.advance(prng.integer(2) * (subject.stepMs ?? 500));
      mend();
    }
    await bench.drain(maxFailures);
    await bench.sink.stop();
    await assertDone(bench);
  };

  promises('a write that rejects leaves nothing in the hands of the sink', (bench, prng) =>
    failNowAndThen(bench, prng, ['open', 'stat', 'write', 'truncate', 'syncDirectory', 'close']),
  );

  promises(
    'a sync that fails costs nothing where commits wait for it',
    (bench, prng) => failNowAndThen(bench, prng, ['write', 'truncate', 'sync']),
    'commit',
  );

  promises('events whose commit fails are delivered once', async (bench, prng) => {
    await bench.sink.start();
    for (let round = 0; round < 6; round++) {
      await bench.step(3).catch(() => {});
      bench.channel.failNext(1 + prng.integer(2));
      await bench.step(3).catch(() => {});
      await bench.clock.advance(subject.stepMs ?? 500);
    }
    bench.channel.failNext(0);
    await bench.drain(maxFailures);
    await bench.sink.stop();
    await assertDone(bench);
  });

  for (const kind of ['process', 'power'] as const) {
    for (const safeAt of ['mark', 'commit'] as const) {
      const title = `a ${kind} crash anywhere neither loses nor doubles (safe at ${safeAt})`;
      test(`${name} sink: ${title}`, async () => {
        const seed = seedFromEnvironment();
        try {
          await sweepCrashes(subject, seed, kind, safeAt);
        } catch (error) {
          throw new Error(`with MILLRACE_SEED=${seed}`, { cause: error });
        }
      });
    }
  }
}

type Kind = Parameters<SimulatedDisk['crash']>[0];

async function sweepCrashes(
  subject: SinkSubject,
  seed: number,
  kind: Kind,
  safeAt: FakeChannelOptions['safeAt'],
): Promise<void> {
  for (let at = 1, crashed = true; crashed; at += subject.crashStride ?? 1) {
    const prng = new Prng(seed + at);
    const first = newBench(subject, prng, { count: 24, safeAt });
    let bench = await liveUntilCrash(first, kind, at, subject, prng);
    crashed = bench !== first;
    // Recovery may be cut off too.
    if (crashed && prng.chance(0.5)) {
      bench = await liveUntilCrash(bench, kind, 1 + prng.integer(12), subject, prng);
    }
    // No two starts fall on one millisecond, by which files may be named.
    await bench.clock.advance(1);
    await bench.sink.start();
    const delivered = await bench.delivered();
    assert.deepEqual(
      delivered,
      bench.channel.committed,
      `crash at ${at}: cut to what is committed`,
    );
    await bench.drain();
    await bench.sink.stop();
    await assertDone(bench);
  }
}

/**
 * Runs a life, with some failures, that ends at its `at`-th operation. Gives the next one, or the
 * same if it came through.
 */
async function liveUntilCrash(
  bench: Bench,
  kind: Kind,
  at: number,
  subject: SinkSubject,
  prng: Prng,
): Promise<Bench> {
  let count = 0;
  let next: Bench | undefined;
  const crash = () => {
    if (++count !== at) return;
    const channel = bench.channel.crash(kind);
    next = new Bench(subject, prng, bench.disk.crash(kind), channel, laterClock(bench.clock));
  };
  bench.disk.onOperation = crash;
  bench.channel.onOperation = crash;
  let mend = () => {};
  try {
    await bench.sink.start();
    if (prng.chance(0.3)) bench.channel.failNext(1 + prng.integer(2));
    if (prng.chance(0.3)) {
      mend = bench.disk.fail({ operations: ['write', 'open'], code: 'EIO', times: 2, chance: 0.3 });
    }
    await bench.drain(maxFailures);
    await bench.sink.stop();
  } catch (error) {
    if (!next) throw error;
  }
  mend();
  await bench.sink.stop().catch(() => {});
  bench.disk.onOperation = undefined;
  bench.channel.onOperation = undefined;
  return next ?? bench;
}

function laterClock(clock: ManualClock): ManualClock {
  return new ManualClock(clock.now() + 1);
}

function newBench(
  subject: SinkSubject,
  prng: Prng,
  options: Pick<FakeChannelOptions, 'count' | 'safeAt'>,
): Bench {
  const disk = new SimulatedDisk({ seed: prng.integer(2 ** 31) });
  subject.prepare?.(disk);
  const channel = new FakeChannel({ prng: prng.fork(), body: bodyOf, ...options });
  return new Bench(subject, prng, disk, channel, new ManualClock());
}

/** What may reject after the destination works again: a write per earlier failure, and some. */
const maxFailures = 6;

async function assertDone(bench: Bench): Promise<void> {
  assert(bench.channel.drained, 'everything is committed');
  const delivered = await bench.delivered();
  if (delivered) assert.deepEqual(delivered, bench.channel.committed);
}
