import { strict as assert } from 'node:assert';
import { mkdirSync } from 'node:fs';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { seedFromEnvironment } from '../../src/testing/prng.ts';
import { FlowFolder } from '../../testbed/flow-folder.ts';
import { SmallFileSystem, smallFileSystemMissing } from '../../testbed/small-file-system.ts';
import { NumberedFlow } from './numbered-flow.ts';

const megabyte = 1 << 20;
const seed = seedFromEnvironment();
/** Most of the time they wait. */
const concurrency = 2;
const skip = smallFileSystemMissing();

describe(`a full disk, MILLRACE_SEED=${seed}`, { skip, concurrency }, () => {
  test('the channel fills it up to minimumRequiredSpace, and is drained', async (t) => {
    const flow = new FlowFolder(t);
    const disk = SmallFileSystem.in(flow, { bytes: 32 * megabyte });
    // Without its directory the sink can't start: nothing is taken.
    const run = new NumberedFlow(flow, seed, { channel: disk.path });
    run.write(300_000);
    run.start();
    let least = disk.freeBytes;
    const watch = setInterval(() => {
      least = Math.min(least, disk.freeBytes);
    }, 5);
    flow.beforeRemoval(() => clearInterval(watch));
    const complaint = await run.complains(/refused/);
    assert.equal(complaint.component, 'channel c1');
    assert.match(complaint.text, new RegExp(`${disk.path}/data .*minimumRequiredSpace`));
    await run.staysCalm(1_000);
    const full = await run.counters();
    assert(full('SOURCE.r1', 'ChannelWriteFail') > 0);
    assert(full('CHANNEL.c1', 'ChannelSize') > 100_000);
    mkdirSync(run.output);
    await run.ends();
    assert(least >= megabyte, `${least} bytes were free`);
  });

  test('someone else fills it: takes go on, and puts once there is room again', async (t) => {
    const flow = new FlowFolder(t);
    const disk = SmallFileSystem.in(flow, { bytes: 32 * megabyte });
    const run = new NumberedFlow(flow, seed, { channel: disk.path });
    run.start();
    run.write(50_000);
    const size = async () => (await run.counters())('CHANNEL.c1', 'ChannelSize');
    while ((await size()) < 40_000) await sleep(20);
    const remove = disk.fillUp(0);
    run.write(100_000);
    const complaint = await run.complains(/refused/);
    assert.match(complaint.text, new RegExp(`${disk.path}/data has \\d{1,4} bytes free`));
    await run.staysCalm(500);
    mkdirSync(run.output);
    while ((await size()) > 0) await sleep(20);
    assert(disk.freeBytes < 10_000, `${disk.freeBytes} bytes are free`);
    // Puts may go on too, into what was drained: that is the channel's own.
    await run.staysCalm(500);
    remove();
    run.write(50_000);
    await run.ends();
  });

  test('someone else uses up its files: that is refused, said, and waited for', async (t) => {
    const flow = new FlowFolder(t);
    const disk = SmallFileSystem.in(flow, { bytes: 32 * megabyte, files: 200 });
    const run = new NumberedFlow(flow, seed, { channel: disk.path });
    mkdirSync(run.output);
    run.start();
    run.write(50_000);
    await run.moves();
    const remove = disk.fillWithFiles();
    run.write(200_000);
    const complaint = await run.complains(/ENOSPC.*spare/);
    assert.equal(complaint.component, 'channel c1');
    await run.staysCalm(1_000);
    remove();
    // What came before may all be delivered by now: files that sinks have emptied are used again.
    run.write(50_000);
    await run.ends();
  });

  test('the output fills it: the channel holds what comes, also over a kill', async (t) => {
    const flow = new FlowFolder(t);
    const disk = SmallFileSystem.in(flow, { bytes: 64 * megabyte });
    const run = new NumberedFlow(flow, seed, { output: disk.folder('out') });
    const remove = disk.fillUp(4 * megabyte);
    run.start();
    run.write(100_000);
    const complaint = await run.complains(/ENOSPC/);
    assert.equal(complaint.component, 'sink k1');
    assert.match(complaint.text, new RegExp(run.output));
    run.write(100_000);
    await run.staysCalm(1_000);
    const full = await run.counters();
    assert(full('CHANNEL.c1', 'ChannelSize') > 100_000);
    assert.equal(full('SOURCE.r1', 'ChannelWriteFail'), 0);
    await run.agent.kill();
    run.start();
    const filled = run.outputBytes;
    run.write(20_000);
    await sleep(500);
    assert(run.outputBytes - filled < megabyte);
    remove();
    await run.ends();
  });

  test('channel and output share it, and someone else fills it', async (t) => {
    const flow = new FlowFolder(t);
    const disk = SmallFileSystem.in(flow, { bytes: 64 * megabyte });
    const output = disk.folder('out');
    const run = new NumberedFlow(flow, seed, { channel: disk.path, output });
    run.start();
    run.write(50_000);
    await run.moves();
    const remove = disk.fillUp(0);
    run.write(150_000);
    await run.complains(/ENOSPC/);
    await run.complains(/refused/);
    // Each gives room to the other now and then.
    await run.staysCalm(1_000, { complaints: 8 });
    remove();
    await run.ends();
  });
});
