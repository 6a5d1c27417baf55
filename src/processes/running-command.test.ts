import { strict as assert } from 'node:assert';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { systemClock } from '../core/clock.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import { RunningCommand } from './running-command.ts';

const patienceMs = 5_000;

/** Waits for the world outside. */
async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (!condition()) {
    assert(performance.now() < deadline, `waited for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Lets time pass until the promise is resolved; what it waits for begins when it may. */
async function passUntil(clock: ManualClock, promise: Promise<unknown>): Promise<void> {
  let done = false;
  void promise.then(() => {
    done = true;
  });
  await until(() => {
    void clock.advance(500);
    return done;
  }, 'what time brings about');
}

/** Is there a process of this group that is no zombie? */
function groupLives(group: number): boolean {
  return readdirSync('/proc').some((name) => {
    if (!/^\d+$/.test(name)) return false;
    const [state, , ownGroup] = statOf(name).split(' ');
    return Number(ownGroup) === group && state !== 'Z';
  });
}

/** What stands behind a process's name: its state, its parent, its group. */
function statOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/.*\) /s, '');
  } catch {
    return '';
  }
}

/** The direct children of this process. */
function children(): string[] {
  return readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').split(' ').filter(Boolean);
}

/** A command that the test ends, and everything it writes. */
async function run(t: TestContext, words: readonly string[], clock = new ManualClock()) {
  const command = await RunningCommand.start(words, clock);
  const written = { output: '', errors: '' };
  command.output.on('data', (bytes) => {
    written.output += bytes;
  });
  command.errors.on('data', (bytes) => {
    written.errors += bytes;
  });
  t.after(async () => {
    command.kill();
    await command.ended;
  });
  return { command, written, clock };
}

const shell = (script: string) => ['/bin/sh', '-c', script];

test('it gives what the command writes, and how it ended', async (t) => {
  const { command, written } = await run(t, shell('echo out; echo err >&2; exit 3'));
  assert.deepEqual(await command.ended, { code: 3, signal: null });
  assert.deepEqual(written, { output: 'out\n', errors: 'err\n' });
  const other = await run(t, shell('kill -USR1 $$'));
  assert.deepEqual(await other.command.ended, { code: null, signal: 'SIGUSR1' });
});

test('arguments arrive as they are, without a shell', async (t) => {
  const { command, written } = await run(t, ['printf', '%s|', 'a b', '"c', '$HOME', '*']);
  await command.ended;
  assert.equal(written.output, 'a b|"c|$HOME|*|');
});

test('the command has the environment of the agent, also what shells leave out', async (t) => {
  process.env['odd.name'] = 'a b';
  t.after(() => delete process.env['odd.name']);
  const { command, written } = await run(t, ['env']);
  await command.ended;
  assert(written.output.split('\n').includes('odd.name=a b'));
  assert(written.output.split('\n').includes(`PATH=${process.env['PATH']}`));
});

test('a script may open its output and its errors by name', async (t) => {
  const { command, written } = await run(t, shell('echo a > /dev/stdout; echo b > /dev/stderr'));
  assert.deepEqual(await command.ended, { code: 0, signal: null });
  assert.deepEqual(written, { output: 'a\n', errors: 'b\n' });
});

test('its input is open and silent', async (t) => {
  const { command, written } = await run(t, shell('read -r line; echo got "$line"'));
  await until(() => groupLives(command.pid), 'the command');
  assert.equal(written.output, '');
  assert.deepEqual(await command.stop(), { code: null, signal: 'SIGTERM' });
});

test('a program that is not there, or may not be run, is named', async () => {
  const before = children();
  await assert.rejects(RunningCommand.start(['no-such-program', 'x'], systemClock), {
    message: 'no-such-program: there is no such program',
  });
  await assert.rejects(RunningCommand.start(['/etc/passwd'], systemClock), {
    message: '/etc/passwd: it may not be run',
  });
  await until(() => children().length <= before.length, 'the guards to end');
});

test('a stop ends every process of a pipeline', async (t) => {
  const { command } = await run(t, shell('tail -F /dev/null | grep x'));
  await until(() => groupLives(command.pid), 'the command');
  assert.equal((await command.stop()).signal, 'SIGTERM');
  await until(() => !groupLives(command.pid), 'both to end');
});

test('what is written in answer to the stop still arrives', async (t) => {
  const script = 'trap "echo bye; exit 4" TERM; echo ready; while :; do sleep 0.01; done';
  const { command, written } = await run(t, shell(script));
  await until(() => written.output === 'ready\n', 'the trap');
  assert.deepEqual(await command.stop(), { code: 4, signal: null });
  assert.equal(written.output, 'ready\nbye\n');
});

test('what does not end within five seconds is killed, with its group', async (t) => {
  const script = 'trap "" TERM; sleep 1000 & echo ready; wait';
  const { command, written, clock } = await run(t, shell(script));
  await until(() => written.output === 'ready\n', 'the trap');
  const stopped = command.stop();
  await clock.advance(4_999);
  assert(groupLives(command.pid));
  await clock.advance(1);
  assert.deepEqual(await stopped, { code: null, signal: 'SIGKILL' });
  await until(() => !groupLives(command.pid), 'the group to end');
});

test('output that a background process still writes is read to its end', async (t) => {
  const { command, written } = await run(t, shell('(sleep 0.1; echo late) & echo early'));
  assert.deepEqual(await command.ended, { code: 0, signal: null });
  assert.equal(written.output, 'early\nlate\n');
});

test('a process that left the group and keeps the output does not hold up a stop', async (t) => {
  const script = 'setsid /bin/sh -c "echo \\$\\$; exec sleep 1000" & wait';
  const { command, written, clock } = await run(t, shell(script));
  await until(() => written.output.endsWith('\n'), 'the stranger');
  t.after(() => process.kill(Number(written.output)));
  const stopped = command.stop();
  await clock.advance(5_499);
  assert(!command.output.closed);
  await passUntil(clock, stopped);
  assert.deepEqual(await stopped, { code: null, signal: 'SIGTERM' });
});

test('a command that has closed its output is ended', async (t) => {
  const { command, clock } = await run(t, shell('exec >&-; sleep 1000'));
  await passUntil(clock, command.ended);
  assert.deepEqual(await command.ended, { code: null, signal: 'SIGTERM' });
});

test('nothing is left of a command that has ended', async (t) => {
  const before = children();
  const { command } = await run(t, ['true']);
  await command.ended;
  await until(() => children().length <= before.length, 'the guard to end');
});

const silent = {
  'a command that only waits': ['tail', '-F', '/dev/null'],
  'a pipeline': shell('tail -F /dev/null | grep x'),
  'one that ignores signals': shell('trap "" HUP INT TERM; while :; do sleep 1; done'),
};

for (const [name, words] of Object.entries(silent)) {
  test(`${name} does not outlive an agent that is killed`, async (t) => {
    const script = join(import.meta.dirname, 'fake-agent.ts');
    const agent = spawn(process.execPath, [script, ...words], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    t.after(() => agent.kill('SIGKILL'));
    const [line] = await once(agent.stdout, 'data');
    const group = Number(line);
    t.after(() => {
      if (groupLives(group)) process.kill(-group, 'SIGKILL');
    });
    assert(groupLives(group));
    agent.kill('SIGKILL');
    await until(() => !groupLives(group), 'the command to end');
  });
}

test('its pipes leave nothing in the temporary folder', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-test-'));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'script.sh'), 'ls "$TMPDIR"');
  const before = process.env['TMPDIR'];
  process.env['TMPDIR'] = folder;
  const { command, written } = await run(t, ['/bin/sh', join(folder, 'script.sh')]);
  if (before === undefined) delete process.env['TMPDIR'];
  else process.env['TMPDIR'] = before;
  await command.ended;
  assert.equal(written.output, 'script.sh\n');
});
