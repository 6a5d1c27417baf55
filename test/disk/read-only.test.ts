import { strict as assert } from 'node:assert';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { seedFromEnvironment } from '../../src/testing/prng.ts';
import { FlowFolder } from '../../testbed/flow-folder.ts';
import { SmallFileSystem, smallFileSystemMissing } from '../../testbed/small-file-system.ts';
import { NumberedFlow } from './numbered-flow.ts';

const megabyte = 1 << 20;
const bytes = 64 * megabyte;
const seed = seedFromEnvironment();
/** Most of the time they wait. */
const concurrency = 2;
const skip = smallFileSystemMissing();
/** What the kernel says of a file system that it has turned read-only. */
const failed = /EROFS|EIO/;
const stopMs = 25_000;

const title = `a disk that turns read-only under load, MILLRACE_SEED=${seed}`;

describe(title, { skip, concurrency }, () => {
  test('is said by its channel; repaired, nothing is lost or doubled', async (t) => {
    const flow = new FlowFolder(t);
    const disk = SmallFileSystem.in(flow, { bytes });
    const run = new NumberedFlow(flow, seed, { channel: disk.path });
    mkdirSync(run.output);
    run.start();
    await run.whileWriting(async () => {
      await run.moves();
      disk.fail();
      const complaint = await run.complains(failed);
      assert.equal(complaint.component, 'channel c1');
      assert(complaint.text.includes(disk.path), complaint.text);
      await run.staysCalm(2_000);
    });
    // What can't be finished any more is waited for; a second signal ends that.
    run.agent.signal('SIGTERM');
    await sleep(1_000);
    run.agent.signal('SIGTERM');
    await run.agent.exited;
    disk.repair();
    run.start();
    run.write(10_000);
    await run.ends();
  });

  test('does not keep the agent from stopping soon when only puts wait for it', async (t) => {
    const flow = new FlowFolder(t);
    const disk = SmallFileSystem.in(flow, { bytes });
    const run = new NumberedFlow(flow, seed, { channel: disk.path });
    mkdirSync(run.output);
    run.start();
    run.write(1_000);
    const left = async () => (await run.counters())('CHANNEL.c1', 'ChannelSize');
    await run.moves();
    while (run.outputBytes < run.inputBytes || (await left()) > 0) await sleep(20);
    disk.fail();
    run.write(10_000);
    await run.complains(failed);
    assert.deepEqual(await run.agent.stop(stopMs), { code: 0, signal: null });
    disk.repair();
    run.start();
    await run.ends();
  });

  test('keeps a channel from starting until it is repaired, and that is said once', async (t) => {
    const flow = new FlowFolder(t);
    const disk = SmallFileSystem.in(flow, { bytes });
    const run = new NumberedFlow(flow, seed, { channel: disk.path });
    mkdirSync(run.output);
    run.start();
    await run.whileWriting(async () => {
      await run.moves();
      disk.fail();
      await run.complains(failed);
      await run.agent.kill();
    });
    run.start();
    const complaint = await run.complains(/Could not start/);
    assert.equal(complaint.component, 'channel c1');
    assert.match(complaint.text, failed);
    await run.staysCalm(500);
    // Nothing in it is open: it can be repaired while the agent waits.
    disk.repair();
    await run.moves();
    run.write(10_000);
    await run.ends();
  });

  test('is said by its sink; the channel goes on, and the next agent too', async (t) => {
    const flow = new FlowFolder(t);
    const disk = SmallFileSystem.in(flow, { bytes });
    const run = new NumberedFlow(flow, seed, { output: disk.folder('out') });
    run.start();
    await run.whileWriting(async () => {
      await run.moves();
      disk.fail();
      const complaint = await run.complains(failed);
      assert.equal(complaint.component, 'sink k1');
      assert(complaint.text.includes(run.output), complaint.text);
      const before = (await run.counters())('CHANNEL.c1', 'EventPutSuccessCount');
      await run.staysCalm(1_000);
      const after = (await run.counters())('CHANNEL.c1', 'EventPutSuccessCount');
      assert(after > before + 1_000, `${after - before} events were put`);
      await run.agent.kill();
    });
    run.start();
    const complaint = await run.complains(/Could not start/);
    assert.equal(complaint.component, 'sink k1');
    assert.match(complaint.text, failed);
    disk.repair();
    await run.moves();
    run.write(10_000);
    await run.ends();
  });

  test('is done without, when it has one of two data directories', async (t) => {
    const flow = new FlowFolder(t);
    const disk = SmallFileSystem.in(flow, { bytes });
    const dataDirs = `${join(flow.path, 'data')},${join(disk.path, 'data')}`;
    const run = new NumberedFlow(flow, seed, { settings: { dataDirs } });
    mkdirSync(run.output);
    run.start();
    run.write(50_000);
    await run.moves();
    disk.fail();
    run.write(100_000);
    await run.complains(failed);
    for (let files = 0; files < 4; files++) {
      run.write(50_000);
      await run.moves();
    }
    await run.staysCalm(1_000);
    await run.agent.kill();
    disk.repair();
    run.start();
    await run.ends();
  });

  test('is done without, when it only has the checkpoints', async (t) => {
    const flow = new FlowFolder(t);
    const disk = SmallFileSystem.in(flow, { bytes });
    const checkpointDir = join(disk.path, 'checkpoint');
    const run = new NumberedFlow(flow, seed, { settings: { checkpointDir } });
    mkdirSync(run.output);
    run.start();
    run.write(50_000);
    await run.moves();
    disk.fail();
    run.write(100_000);
    const complaint = await run.complains(failed);
    assert.match(complaint.text, new RegExp(`snapshot.*${checkpointDir}`));
    run.write(100_000);
    await run.moves();
    // What is left of the lines is not for nothing.
    await sleep(1_500);
    await run.staysCalm(500);
    await run.agent.kill();
    disk.repair();
    run.start();
    run.write(10_000);
    await run.ends();
  });
});
