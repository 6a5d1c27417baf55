import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { generateLog } from '../../bench/generate-log.ts';
import { FlowFolder, outputOf, waitUntil } from '../../testbed/flow-folder.ts';
import { peakResidentBytes } from '../../testbed/process-usage.ts';
import { tailToFiles } from './tail-to-files.ts';

const megabyte = 1 << 20;

describe('when the world is not as it should be', () => {
  test('a folder that is missing is said once, waited for, and the rest runs', async (t) => {
    const flow = new FlowFolder(t);
    const good = { folder: flow.folder('good'), output: flow.folder('good-out') };
    const missing = { folder: join(flow.path, 'missing'), output: flow.folder('missing-out') };
    flow.file('good/app.log', 'here\n');
    const agent = flow.startMillrace(flow.file('flow.properties', tailToFiles([good, missing])));
    await waitUntil('the rest runs', agent, () => outputOf(good.output).toString() === 'here\n');
    await sleep(2_000);
    const mentions = agent
      .log()
      .split('\n')
      .filter((line) => line.includes(missing.folder));
    assert(mentions.length <= 2, `said ${mentions.length} times:\n${mentions.join('\n')}`);
    mkdirSync(missing.folder);
    flow.file('missing/app.log', 'there\n');
    const arrived = () => outputOf(missing.output).toString() === 'there\n';
    await waitUntil('it is found when it comes', agent, arrived);
    assert.equal((await agent.stop()).code, 0);
  });

  test('a folder that vanishes and comes back is read on', async (t) => {
    const flow = new FlowFolder(t);
    const path = { folder: flow.folder('in'), output: flow.folder('out') };
    flow.file('in/app.log', 'before\n');
    const agent = flow.startMillrace(flow.file('flow.properties', tailToFiles([path])));
    await waitUntil('it runs', agent, () => outputOf(path.output).toString() === 'before\n');
    rmSync(path.folder, { recursive: true });
    await sleep(1_500);
    flow.folder('in');
    flow.file('in/app.log', 'after that\n');
    const all = () => outputOf(path.output).toString() === 'before\nafter that\n';
    await waitUntil('it goes on', agent, all);
    assert.equal((await agent.stop()).code, 0);
  });

  test('a position file that is no JSON is said, and everything is read', async (t) => {
    const flow = new FlowFolder(t);
    const path = { folder: flow.folder('in'), output: flow.folder('out') };
    flow.file('in/app.log', 'one\ntwo\n');
    flow.file('out.positions.json', '[{"inode":12,"po');
    const agent = flow.startMillrace(flow.file('flow.properties', tailToFiles([path])));
    await waitUntil('it is read', agent, () => outputOf(path.output).toString() === 'one\ntwo\n');
    assert(agent.log().includes('out.positions.json'), agent.log());
    assert.equal((await agent.stop()).code, 0);
  });

  test('a line of 300 MB is cut, in bounded memory, and loses no byte', async (t) => {
    const flow = new FlowFolder(t);
    const path = { folder: flow.folder('in'), output: flow.folder('out') };
    const file = flow.file('in/app.log', 'first\n');
    const part = Buffer.alloc(megabyte, 'x');
    for (let count = 0; count < 300; count++) appendFileSync(file, part);
    appendFileSync(file, '\nlast\n');
    const agent = flow.startMillrace(flow.file('flow.properties', tailToFiles([path])));
    const arrived = () => outputOf(path.output).subarray(-6).toString() === '\nlast\n';
    await waitUntil('all is there', agent, arrived);
    const peak = peakResidentBytes(agent.pid);
    assert.equal((await agent.stop()).code, 0);
    const lines = outputOf(path.output).toString('latin1').split('\n');
    assert.equal(lines.join('').length, 'first'.length + 300 * megabyte + 'last'.length);
    assert(lines.length > 4, `${lines.length} lines: it was not cut`);
    t.diagnostic(`${Math.round(peak / megabyte)} MB resident`);
    assert(peak < 300 * megabyte, `${Math.round(peak / megabyte)} MB resident`);
  });

  const disk = smallDisk();
  const skip = !disk && 'needs the right to mount a tmpfs';
  test('a full disk is waited for, and nothing is lost or doubled', { skip }, async (t) => {
    const flow = new FlowFolder(t);
    const path = { folder: flow.folder('in'), output: flow.folder('out') };
    assert.equal(mount(path.output), 0);
    flow.beforeRemoval(() => spawnSync('umount', ['-l', path.output]));
    const ballast = join(path.output, 'ballast');
    writeFileSync(ballast, Buffer.alloc(6 * megabyte));
    const input = join(path.folder, 'access.log');
    const bytes = generateLog(input, { lines: 25_000 });
    const agent = flow.startMillrace(flow.file('flow.properties', tailToFiles([path])));
    const delivered = () => outputOf(path.output).length - 6 * megabyte;
    await waitUntil('the disk is full', agent, () => agent.log().includes('ENOSPC'));
    assert(delivered() < bytes);
    rmSync(ballast);
    await waitUntil('it recovers', agent, () => outputOf(path.output).length >= bytes);
    assert.equal((await agent.stop()).code, 0);
    assert(outputOf(path.output).equals(readFileSync(input)), 'the output is not the input');
  });
});

/** Can a file system of 8 MB be mounted here? */
function smallDisk(): boolean {
  const probe = spawnSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']);
  return process.platform === 'linux' && probe.status === 0;
}

function mount(folder: string): number | null {
  return spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', folder]).status;
}
