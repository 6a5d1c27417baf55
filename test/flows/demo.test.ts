import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { AgentProcess } from '../../testbed/agent-process.ts';
import { FlowFolder, waitUntil } from '../../testbed/flow-folder.ts';
import { repositoryRoot } from '../../testbed/millrace.ts';

/** The numbers that stand in the lines of the files that the demo's agent wrote (`n=1`). */
function collected(flow: FlowFolder): number[] {
  const folder = flow.folder('demo/collected');
  const texts = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'));
  return [...texts.join('').matchAll(/ n=(\d+) /g)].map(([, number]) => Number(number));
}

test('the demo goes on after kill -9 and Ctrl-C; no line is lost or doubled', async (t) => {
  const flow = new FlowFolder(t);
  const start = () => {
    const agent = AgentProcess.start({
      command: process.execPath,
      args: [join(repositoryRoot, 'src/cli/main.ts'), 'demo'],
      cwd: flow.path,
      env: { HOME: flow.path },
      logPath: join(flow.path, 'demo.log'),
    });
    flow.beforeRemoval(() => agent.hasExited || agent.kill());
    return agent;
  };
  const runs = [];
  for (const signal of ['SIGKILL', 'SIGINT', 'SIGINT'] as const) {
    const before = collected(flow).length;
    const demo = start();
    await waitUntil('the demo moves lines', demo, () => collected(flow).length > before + 5_000);
    demo.signal(signal);
    runs.push(await demo.exited);
  }
  assert.deepEqual(runs.slice(1), Array(2).fill({ code: 0, signal: null }));
  const numbers = collected(flow).sort((left, right) => left - right);
  assert.deepEqual(
    numbers,
    Array.from({ length: numbers.length }, (_, index) => index + 1),
  );
});
