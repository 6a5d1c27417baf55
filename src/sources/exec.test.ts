import { strict as assert } from 'node:assert';
import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ChannelFullError } from '../core/errors.ts';
import type { LogFields } from '../core/log.ts';
import { configOf } from '../testing/config-of.ts';
import { FakeSourceContext } from '../testing/fake-source-context.ts';
import { sourceContract } from '../testing/source-contract.ts';
import { execSource } from './exec.ts';

const patienceMs = 10_000;

/** Waits for the world outside. */
async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (!(await condition())) {
    assert(performance.now() < deadline, `waited for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

sourceContract('exec', {
  rereads: false,
  skip: {
    'nothing is acknowledged before emit has resolved': 'a command is told nothing',
  },
  open: async () => {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-exec-'));
    const pipe = join(folder, 'pipe');
    spawnSync('mkfifo', [pipe]);
    let end: number | undefined;
    return {
      create: (context) => {
        const properties = { command: `cat ${pipe}`, batchSize: '1', maxLineBytes: '1000' };
        return execSource.create(configOf(execSource.fields, properties), context);
      },
      write: async (bytes) => {
        end ??= openSync(pipe, 'w');
        writeSync(end, bytes);
      },
      maxLineBytes: 1000,
      close: async () => rmSync(folder, { recursive: true }),
    };
  },
});

/** A source that runs as an agent runs it: polled whenever it asks for that. */
class Exec {
  readonly context = new FakeSourceContext();
  readonly source: ReturnType<typeof execSource.create>;

  constructor(properties: Readonly<Record<string, string>>, transactionCapacity = 10_000) {
    this.context.transactionCapacity = transactionCapacity;
    this.source = execSource.create(configOf(execSource.fields, properties), this.context);
  }

  /** Starts it; it is stopped after the test. */
  async start(t: TestContext): Promise<void> {
    t.after(() => {
      this.context.beforePut = undefined;
      return this.source.stop();
    });
    await this.source.start();
  }

  poll(): Promise<unknown> | undefined {
    return this.source.poll?.(new AbortController().signal).catch(() => {});
  }

  /** Polls as a runner does, until there is so much. */
  async arrive(bodies: readonly string[]): Promise<void> {
    await until(async () => {
      await this.poll();
      return this.context.bodies.length >= bodies.length;
    }, bodies.join());
    assert.deepEqual(this.context.bodies, bodies);
  }

  /** What was logged with this sentence. */
  said(sentence: string): LogFields[] {
    const lines = this.context.log.lines.filter((line) => line.sentence.includes(sentence));
    return lines.map(({ fields }) => fields);
  }
}

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-exec-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** A shell script as the command. */
const script = (command: string, more = {}) => ({ shell: '/bin/sh -c', command, ...more });

test('a command is split at blanks, and quotes mean nothing', async (t) => {
  const exec = new Exec({ command: '  printf  %s|\t"a b" $HOME *  ' });
  await exec.start(t);
  await exec.arrive(['"a|b"|$HOME|*|']);
});

test('with a shell the whole command is its last argument', async (t) => {
  const exec = new Exec(script('printf "%s\\n" "a  b"; printf last'));
  await exec.start(t);
  await exec.arrive(['a  b', 'last']);
  await until(() => exec.said('has ended').length > 0, 'the end');
  assert.deepEqual(exec.said('has ended'), [{ code: 0, signal: null }]);
});

test('events have no headers', async (t) => {
  const exec = new Exec(script('echo a'));
  await exec.start(t);
  await exec.arrive(['a']);
  assert.deepEqual(exec.context.events[0]?.headers, {});
});

test('a command that is not there is named, and nothing runs', async () => {
  const exec = new Exec({ command: 'no-such-program -x' });
  await assert.rejects(exec.source.start(), /no-such-program: there is no such program/);
  await exec.source.stop();
});

test('lines wait for others up to batchTimeout after the last were handed on', async (t) => {
  const exec = new Exec(script('echo a; read -r x; echo b', { batchTimeout: '3000' }));
  await exec.start(t);
  const { clock } = exec.context;
  await until(() => clock.sleeperCount > 0, 'the first line');
  await exec.poll();
  await clock.advance(2_999);
  await exec.poll();
  assert.deepEqual(exec.context.bodies, []);
  const { wakeCount } = exec.context;
  await clock.advance(1);
  assert.equal(exec.context.wakeCount, wakeCount + 1);
  await exec.arrive(['a']);
});

test('a line after a long silence is handed on at once', async (t) => {
  const folder = folderFor(t);
  const log = join(folder, 'log');
  writeFileSync(log, '');
  const exec = new Exec({ command: `tail -n +1 -f ${log}`, batchTimeout: '3000' });
  await exec.start(t);
  await exec.context.clock.advance(60_000);
  appendFileSync(log, 'a\n');
  await exec.arrive(['a']);
});

test('as many lines as batchSize are handed on at once, more of them together', async (t) => {
  const exec = new Exec(script('seq 1 25; read -r x', { batchSize: '10' }), 20);
  const sizes: number[] = [];
  exec.context.beforePut = (batch) => {
    sizes.push(batch.length);
  };
  await exec.start(t);
  await until(async () => {
    await exec.poll();
    return exec.context.bodies.length >= 20;
  }, 'twenty lines');
  assert.deepEqual(sizes, [20]);
  await exec.source.stop();
  assert.equal(exec.context.bodies.length, 25);
});

test('a command that ends is not run again', async (t) => {
  const exec = new Exec(script('echo $$; echo why >&2; exit 3'));
  await exec.start(t);
  await until(() => exec.said('has failed').length > 0, 'the end');
  assert.deepEqual(exec.said('has failed'), [{ code: 3, signal: null, standardError: 'why' }]);
  await exec.context.clock.advance(3_600_000);
  assert.equal(exec.said('The command runs').length, 1);
});

test('with restart it runs again after the throttle, however it ended', async (t) => {
  const exec = new Exec(script('echo a; kill -KILL $$', { restart: 'true', batchSize: '1' }));
  await exec.start(t);
  const { clock } = exec.context;
  await until(() => exec.said('run again').length === 1, 'the end');
  assert.deepEqual(exec.said('run again'), [{ code: null, signal: 'SIGKILL', times: 1 }]);
  await clock.advance(9_999);
  assert.equal(exec.said('The command runs').length, 1);
  await clock.advance(1);
  await until(() => exec.said('The command runs').length === 2, 'the second run');
  await exec.arrive(['a', 'a']);
});

test('a program that is gone when it is to run again is tried again, and said once', async (t) => {
  const folder = folderFor(t);
  const program = join(folder, 'program');
  const write = () => writeFileSync(program, '#!/bin/sh\necho a\n', { mode: 0o755 });
  write();
  const exec = new Exec({ command: program, restart: 'true', restartThrottle: '100' });
  await exec.start(t);
  await exec.arrive(['a']);
  await until(() => exec.said('run again').length === 1, 'the end');
  rmSync(program);
  await until(async () => {
    await exec.context.clock.advance(100);
    return exec.said('can not be run').length === 1;
  }, 'the first failure');
  write();
  await until(async () => {
    await exec.context.clock.advance(100);
    return exec.said('The command runs').length > 1;
  }, 'the second run');
  await exec.arrive(['a', 'a']);
  assert.equal(exec.said('can not be run').length, 1);
});

test('a full channel stops the reading, and nothing is lost', async (t) => {
  const folder = folderFor(t);
  const counted = join(folder, 'counted');
  const exec = new Exec(script(`seq 1 300000 | tee ${counted}`));
  let full = true;
  exec.context.beforePut = () => {
    if (full) throw new ChannelFullError('c1', 'for a test');
  };
  await exec.start(t);
  let written = -1;
  // The command stands still once the pipes and the source are full.
  await until(async () => {
    await exec.poll();
    await new Promise((resolve) => setTimeout(resolve, 50));
    const before = written;
    written = readFileSync(counted).length;
    return written > 0 && written === before;
  }, 'the command to wait');
  assert(written < 1_000_000, `${written} bytes`);
  full = false;
  await until(async () => {
    await exec.poll();
    return exec.context.events.length >= 300_000;
  }, 'all lines');
  const wrong = exec.context.events.findIndex(({ body }, index) => body !== `${index + 1}`);
  assert.equal(wrong, -1);
});

test('a stop ends the command, and what it had written arrives', async (t) => {
  const exec = new Exec(
    script('trap "echo bye; exit" TERM; echo $$; while :; do sleep 0.01; done'),
  );
  await exec.start(t);
  await until(() => exec.context.clock.sleeperCount > 0, 'the first line');
  await exec.source.stop();
  const [pid, ...rest] = exec.context.bodies;
  assert.deepEqual(rest, ['bye']);
  assert.throws(() => process.kill(Number(pid), 0), { code: 'ESRCH' });
  assert.equal(exec.said('was stopped').length, 1);
});

test('what a command writes in answer to the stop arrives, however much that is', async (t) => {
  const command = 'trap "seq 1 400000; exit" TERM; echo 0; while :; do sleep 0.01; done';
  const exec = new Exec(script(command));
  await exec.start(t);
  await until(() => exec.context.clock.sleeperCount > 0, 'the first line');
  await exec.source.stop();
  const { bodies } = exec.context;
  assert.equal(bodies.length, 400_001);
  assert.equal(bodies.at(-1), '400000');
});

test('what channels refuse at a stop is counted as lost', async (t) => {
  const exec = new Exec(script('seq 1 30; sleep 1000', { batchSize: '50' }));
  await exec.start(t);
  const { clock, counters } = exec.context;
  await until(() => clock.sleeperCount > 0, 'the lines');
  exec.context.beforePut = () => {
    throw new ChannelFullError('c1', 'for a test');
  };
  let stopped = false;
  const stopping = exec.source.stop().then(() => {
    stopped = true;
  });
  await until(async () => {
    await clock.advance(50);
    return stopped;
  }, 'the stop');
  await stopping;
  assert.equal(counters.EventDropCount, 30);
  assert.deepEqual(exec.said('Lines are lost'), [{ lines: 30 }]);
});

test('standard error is read, and logged where that is wanted', async (t) => {
  const noise = 'yes noise | head -n 200000 >&2; echo done';
  const quiet = new Exec(script(noise));
  await quiet.start(t);
  await quiet.arrive(['done']);
  assert.deepEqual(quiet.said('standard error'), []);
  const loud = new Exec(script(noise, { logStdErr: 'true' }));
  await loud.start(t);
  await loud.arrive(['done']);
  await until(() => loud.said('has ended').length > 0, 'the end');
  assert.equal(loud.said('wrote to standard error').length, 100);
  assert.deepEqual(loud.said('too many'), [{ lines: 199_900 }]);
});

test('bytes that are no character become U+FFFD, but in a charset where all are', async (t) => {
  const command = 'printf "a\\377b\\n"';
  const utf8 = new Exec(script(command));
  await utf8.start(t);
  await utf8.arrive(['a\ufffdb']);
  const latin1 = new Exec(script(command, { charset: 'ISO-8859-1' }));
  const bodies: string[] = [];
  latin1.context.beforePut = (batch) => {
    bodies.push(...[...batch].map(({ body }) => body.toString('latin1')));
  };
  await latin1.start(t);
  await until(async () => {
    await latin1.poll();
    return bodies.length > 0;
  }, 'the line');
  assert.deepEqual(bodies, ['a\xffb']);
});

test('a line that is cut is counted once, and said', async (t) => {
  const exec = new Exec(script('printf "%030d\\nb\\n%025d" 0 0', { maxLineBytes: '10' }));
  await exec.start(t);
  await exec.arrive([
    '0000000000',
    '0000000000',
    '0000000000',
    'b',
    '0000000000',
    '0000000000',
    '00000',
  ]);
  assert.equal(exec.context.counters.LineTooLongCount, 2);
  assert.equal(exec.said('longer than maxLineBytes').length, 1);
});

test('lines are joined where that is asked for, the last ones at the end', async (t) => {
  const command = 'printf "1\\r\\n a\\n b\\n2\\n"; read -r x; printf "3\\n c"';
  const limits = { 'multiline.maxLines': '2', batchSize: '1' };
  const exec = new Exec(script(command, { 'multiline.continue': '^ ', ...limits }));
  await exec.start(t);
  await exec.arrive(['1\n a', ' b']);
  assert.equal(exec.context.events[0]?.headers['millrace.line'], 'cut');
  assert.equal(exec.context.counters.LineTooLongCount, 1);
  await exec.context.clock.advance(5_000);
  await exec.arrive(['1\n a', ' b', '2']);
  const other = new Exec(script('printf "3\\n c"', { 'multiline.continue': '^ ' }));
  await other.start(t);
  await other.arrive(['3\n c']);
});

test('a charset that is unknown is a mistake in the configuration', () => {
  const problems = (charset: string) =>
    execSource.check?.(configOf(execSource.fields, { command: 'x', charset }));
  assert.deepEqual(problems('utf-8'), []);
  const [problem] = problems('UTF-16') ?? [];
  assert.equal(problem?.key, 'charset');
  const properties = { command: 'x', 'multiline.start': '(' };
  const [pattern] = execSource.check?.(configOf(execSource.fields, properties)) ?? [];
  assert.equal(pattern?.key, 'multiline.start');
});
