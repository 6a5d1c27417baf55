import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { FlowFolder, outputOf, waitUntil } from '../../testbed/flow-folder.ts';

/** The commands that have this word among their arguments, but for the agent itself. */
function running(word: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ');
      } catch {
        return '';
      }
    })
    .filter((line) => line.includes(word) && !line.includes('main.ts'));
}

test('commands do not outlive an agent that is killed, and run with the next one', async (t) => {
  const flow = new FlowFolder(t);
  const [log, out] = [flow.file('app.log', 'a line\n'), flow.folder('out')];
  const conf = flow.file(
    'flow.properties',
    `a1.sources = r1 r2 r3
a1.channels = c1
a1.sinks = k1
a1.sources.r1.type = exec
a1.sources.r1.command = tail -F ${log}
a1.sources.r2.type = exec
a1.sources.r2.shell = /bin/sh -c
a1.sources.r2.command = tail -F ${log} | grep line
a1.sources.r3.type = exec
a1.sources.r3.shell = /bin/sh -c
a1.sources.r3.command = trap '' HUP TERM; echo ${log}; while :; do sleep 1; done
a1.sources.r1.channels = c1
a1.sources.r2.channels = c1
a1.sources.r3.channels = c1
a1.channels.c1.type = memory
a1.sinks.k1.type = file_roll
a1.sinks.k1.channel = c1
a1.sinks.k1.sink.directory = ${out}
`,
  );
  for (let round = 1; round <= 3; round++) {
    const agent = flow.startMillrace(conf);
    // tail twice, a shell that waits for a pipeline, one that sleeps.
    await waitUntil('all run', agent, () => running(log).length >= 4);
    if (round === 2) {
      await waitUntil('they have written', agent, () => outputOf(out).length > 0);
    }
    await agent.kill();
    for (let waitedMs = 0; running(log).length > 0; waitedMs += 20) {
      assert(waitedMs < 5_000, running(log).join('\n'));
      await sleep(20);
    }
  }
});
