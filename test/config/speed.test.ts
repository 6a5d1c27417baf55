import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { repositoryRoot } from '../../testbed/millrace.ts';

/** What a quiet machine takes, from the command to the prompt; a busy one takes longer. */
const quietMs = 250;
const busy = 2;

/** Twenty flows of ten lines each. */
function largeConfiguration(): string {
  const numbers = Array.from({ length: 20 }, (_, index) => index);
  const list = (letter: string) => numbers.map((each) => letter + each).join(' ');
  const flows = numbers.map((each) => [
    `a1.sources.r${each}.type = TAILDIR`,
    `a1.sources.r${each}.filegroups = f`,
    `a1.sources.r${each}.filegroups.f = /var/log/app${each}/.*log`,
    `a1.sources.r${each}.positionFile = /var/lib/positions${each}.json`,
    `a1.sources.r${each}.channels = c${each}`,
    `a1.channels.c${each}.type = memory`,
    `a1.channels.c${each}.capacity = 1000`,
    `a1.sinks.k${each}.type = file_roll`,
    `a1.sinks.k${each}.sink.directory = /var/out${each}`,
    `a1.sinks.k${each}.channel = c${each}`,
  ]);
  const lists = ['sources = r', 'channels = c', 'sinks = k'].map((each) => {
    return `a1.${each.slice(0, -1)}${list(each.slice(-1))}`;
  });
  return [...lists, ...flows.flat()].join('\n');
}

/** Prints the address of every module that is loaded. */
const printingModules = `import { registerHooks } from 'node:module';
registerHooks({
  load: (url, context, next) => {
    console.error(url);
    return next(url, context);
  },
});`;

function writeConfiguration(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-speed-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const file = join(directory, 'large.properties');
  writeFileSync(file, largeConfiguration());
  return file;
}

const millrace = join(repositoryRoot, 'bin', 'millrace');

test('a file of 200 lines is checked at once', (t) => {
  const file = writeConfiguration(t);
  const times = Array.from({ length: 7 }, () => {
    const began = performance.now();
    assert.equal(spawnSync(process.execPath, [millrace, 'check', file]).status, 0);
    return performance.now() - began;
  });
  const best = Math.min(...times);
  assert.ok(best < quietMs * busy, `${best.toFixed(0)} ms at best`);
});

test('check loads the components that a file names, and nothing else that would run', (t) => {
  const printing = `data:text/javascript,${encodeURIComponent(printingModules)}`;
  const command = ['--import', printing, millrace, 'check', writeConfiguration(t)];
  const { stderr, status } = spawnSync(process.execPath, command, { encoding: 'utf8' });
  assert.equal(status, 0);
  const loaded = stderr.split('\n').filter((url) => url.startsWith('file:'));
  const components = loaded.flatMap((url) => {
    const [, file] =
      /\/src\/((?:sources|channels|sinks|interceptors)\/[\w-]+)\.ts$/.exec(url) ?? [];
    return file ?? [];
  });
  assert.deepEqual(components.sort(), ['channels/memory', 'sinks/file-roll', 'sources/taildir']);
  const others = loaded.filter((url) =>
    /\/(src\/(agent|net|processes|hdfs)|node_modules)\//.test(url),
  );
  assert.deepEqual(others, []);
});
