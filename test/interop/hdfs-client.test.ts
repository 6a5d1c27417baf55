import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { message, required, string } from '../../src/bytes/protobuf.ts';
import { systemClock } from '../../src/core/clock.ts';
import { silentLogger } from '../../src/core/log.ts';
import { clientProtocolName } from '../../src/hdfs/client-protocol.ts';
import { readConfig } from '../../src/hdfs/config.ts';
import { HdfsClient, type HdfsFileWriter, isRemote, RemoteError } from '../../src/hdfs/index.ts';
import { RpcConnection } from '../../src/hdfs/rpc-connection.ts';
import { Prng, seedFromEnvironment } from '../../src/testing/prng.ts';
import { HdfsCluster, hdfsMissing } from '../../testbed/hdfs.ts';

/*
 * The HDFS client beside real HDFS: what it writes is read back by itself and by Hadoop, while
 * DataNodes and the NameNode are killed, stopped and restarted.
 */
const blockBytes = 1 << 20;
/** Short, so that a DataNode that says nothing is given up soon. */
const settings = { 'dfs.client.socket-timeout': '2000', 'dfs.ls.limit': '3' };
const user = { superuser: userInfo().username, owner: 'flume' };
const codingPolicy = 'XOR-2-1-1024k';

let cluster: HdfsCluster;
let hdfs: HdfsClient;
const seed = seedFromEnvironment();
const prng = new Prng(seed);

/** What the clients logged. */
const warnings: string[] = [];

async function clientWith(more: Record<string, string> = {}): Promise<HdfsClient> {
  const log = { ...silentLogger, warn: (_: unknown, sentence: string) => warnings.push(sentence) };
  return HdfsClient.open({ confDir: cluster.confDir, settings: { ...settings, ...more }, log });
}

/** Reads it with our own reader. */
async function hasContent(path: string, expected: Buffer): Promise<void> {
  const found = await hdfs.readFile(path);
  let at = 0;
  for await (const piece of hdfs.read(path)) {
    assert(piece.equals(expected.subarray(at, at + piece.length)), `${path}: byte ${at} on`);
    at += piece.length;
  }
  assert.equal(at, expected.length, `${path} has the right length`);
  assert(found.equals(expected), `${path} has the right bytes`);
}

async function eventually(what: string, condition: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 30_000;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`not within 30 s: ${what}`);
    await sleep(100);
  }
}

/** Starts what a test has killed. */
async function reviveAll(): Promise<void> {
  for (const { name, process } of cluster.dataNodes) {
    process?.signal('SIGCONT');
    if (process?.hasExited) cluster.startDataNode(name);
  }
  await cluster.untilLive(4);
}

/** A call that the client does not make. */
async function callNameNode(methodName: string, request: Buffer): Promise<void> {
  const clientId = prng.bytes(16);
  const connection = await RpcConnection.open({
    address: { host: '127.0.0.1', port: cluster.nameNodes[0]?.rpcPort ?? 0 },
    protocol: clientProtocolName,
    user: { effectiveUser: user.superuser },
    clientId,
    config: readConfig(new Map(), cluster.url).rpc,
    clock: systemClock,
  });
  const call = { callId: 0, clientId, retryCount: 0, methodName, protocol: clientProtocolName };
  await connection.call({ ...call, request });
  connection.close();
}

/** The name of the DataNode at this place of the pipeline. */
function nodeOf(file: HdfsFileWriter, index: number): string {
  const port = Number(file.datanodes[index]?.split(':')[1]);
  return cluster.dataNodeAt(port).name;
}

describe('the HDFS client beside real HDFS', { skip: hdfsMissing() }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-hdfs-'));

  before(async () => {
    console.log(`seed ${seed}`);
    cluster = await HdfsCluster.start({ folder, dataNodes: 4, settings });
    hdfs = await clientWith();
    await hdfs.mkdirs('/t');
  });

  after(async () => {
    hdfs?.close();
    await cluster?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  test('makes, lists, renames and deletes', async () => {
    await hdfs.mkdirs('/names/a/b');
    for (const name of ['x', 'y', 'é', 'z']) await (await hdfs.create(`/names/${name}`)).close();
    // The server lists three at once.
    const names: string[] = [];
    for await (const { path } of hdfs.list('/names')) names.push(path);
    // In Java's order of bytes, where é comes first.
    assert.deepEqual(names, ['/names/é', '/names/a', '/names/x', '/names/y', '/names/z']);
    const { fileId, permission, type } = (await hdfs.stat('/names/x')) ?? assert.fail();
    assert.equal(type, 'file');
    assert.equal(permission, 0o644);
    await hdfs.rename('/names/x', '/names/w');
    assert.equal((await hdfs.stat('/names/w'))?.fileId, fileId);
    const exists = (error: unknown) => isRemote(error, 'FileAlreadyExistsException');
    await assert.rejects(hdfs.rename('/names/w', '/names/y'), exists);
    await hdfs.rename('/names/w', '/names/y', { overwrite: true });
    assert.equal((await hdfs.stat('/names/y'))?.fileId, fileId);
    await assert.rejects(hdfs.create('/names/y'), exists);
    await hdfs.setPermission('/names/y', 0o600);
    assert.equal((await hdfs.stat('/names/y'))?.permission, 0o600);
    assert.equal(await hdfs.setReplication('/names/y', 2), true);
    assert.equal((await hdfs.stat('/names/y'))?.replication, 2);
    assert.equal(await hdfs.delete('/names/nothing'), false);
    await assert.rejects(hdfs.delete('/names'), /PathIsNotEmpty/);
    assert.equal(await hdfs.delete('/names', { recursive: true }), true);
    assert.equal(await hdfs.stat('/names'), undefined);
    await assert.rejects(hdfs.list('/names').next(), /does not exist/);
  });

  test('knows the defaults of the server and its DataNodes', async () => {
    const { blockSize, replication, bytesPerChecksum } = await hdfs.serverDefaults();
    assert.deepEqual(
      { blockSize, replication, bytesPerChecksum },
      {
        blockSize: blockBytes,
        replication: 3,
        bytesPerChecksum: 512,
      },
    );
    assert.equal((await hdfs.datanodes()).length, 4);
    assert.equal(await hdfs.isInSafeMode(), false);
  });

  test('acts as another user when it may', async () => {
    const proxied = await HdfsClient.open({
      confDir: cluster.confDir,
      user: user.superuser,
      proxyUser: user.owner,
    });
    await hdfs.mkdirs('/t/open-to-all');
    await hdfs.setPermission('/t/open-to-all', 0o777);
    await (await proxied.create('/t/open-to-all/file')).close();
    assert.equal((await hdfs.stat('/t/open-to-all/file'))?.owner, user.owner);
    await assert.rejects(proxied.mkdirs('/not-yours'), /AccessControlException/);
    proxied.close();
  });

  test('writes what it and Hadoop read back, over several blocks and many flushes', async () => {
    const file = await hdfs.create('/t/random');
    const written: Buffer[] = [];
    for (let length = 0; length < 3.5 * blockBytes; ) {
      const buffers = Array.from({ length: prng.integer(4) }, () =>
        prng.bytes(prng.integer(prng.pick([20, 2_000, 300_000]))),
      );
      await file.write(buffers);
      written.push(...buffers);
      length += buffers.reduce((sum, buffer) => sum + buffer.length, 0);
      if (prng.chance(0.3)) await file.hflush();
      if (prng.chance(0.2)) await file.hsync();
      assert.equal(file.position, length);
    }
    await file.close();
    const expected = Buffer.concat(written);
    await hasContent('/t/random', expected);
    const [start, end] = [blockBytes - 700, 2 * blockBytes + 9];
    const part = await hdfs.readFile('/t/random', { start, end });
    assert(part.equals(expected.subarray(start, end + 1)), 'a part is read');
    const found = await cluster.dfs('-cat', '/t/random');
    assert(found.equals(expected), 'Hadoop reads the same bytes');
    const report = await cluster.fsck('/t/random');
    assert.match(report, /Status: HEALTHY/);
    assert.match(report, /Total blocks \(validated\):\s+4 /);
  });

  test('a flush makes what was written visible to readers, and no more', async () => {
    const file = await hdfs.create('/t/flushed');
    await file.write(Buffer.alloc(700, 1));
    await file.hflush();
    await file.write(Buffer.alloc(100, 2));
    await hasContent('/t/flushed', Buffer.alloc(700, 1));
    assert.equal((await hdfs.stat('/t/flushed'))?.length, 700);
    await file.hsync({ updateLength: true });
    assert.equal((await hdfs.stat('/t/flushed'))?.length, 800);
    assert.equal(file.currentReplication, 3);
    await file.close();
    await assert.rejects(file.write(Buffer.from('more')), /was closed/);
    await file.close();
  });

  test('a file is copied by streams', async () => {
    const data = prng.bytes(blockBytes + 77_777);
    const parts = Readable.from([data.subarray(0, 5), data.subarray(5)]);
    await pipeline(parts, hdfs.createWriteStream('/t/streamed'));
    await pipeline(hdfs.createReadStream('/t/streamed'), hdfs.createWriteStream('/t/copied'));
    await hasContent('/t/copied', data);
    await assert.rejects(
      pipeline(hdfs.createReadStream('/t/none'), hdfs.createWriteStream('/t/never')),
      /does not exist/,
    );
  });

  test('appends behind a partial chunk, a full block, nothing, and in a new block', async () => {
    const parts: Buffer[] = [];
    await (await hdfs.create('/t/appended')).close();
    for (const [bytes, newBlock] of [
      [1041, false],
      [7, false],
      [blockBytes - 1048, false],
      [512, false],
      [100, true],
      [3, false],
    ] as const) {
      const file = await hdfs.append('/t/appended', { newBlock });
      const part = prng.bytes(bytes);
      await file.write(part);
      await file.hflush();
      await file.close();
      parts.push(part);
      await hasContent('/t/appended', Buffer.concat(parts));
    }
    await assert.rejects(hdfs.append('/t/nothing'), /does not exist/);
  });

  test('cuts a file, within a block and at its end', async () => {
    const data = prng.bytes(blockBytes + 1_000);
    const file = await hdfs.create('/t/cut');
    await file.write(data);
    await file.close();
    for (const length of [blockBytes + 333, blockBytes, 513, 0]) {
      await hdfs.truncate('/t/cut', length);
      assert.equal((await hdfs.stat('/t/cut'))?.length, length);
      await hasContent('/t/cut', data.subarray(0, length));
    }
    await assert.rejects(hdfs.truncate('/t/cut', 9), /IllegalArgument/);
  });

  test('writes CRC-32 where it is asked for', async () => {
    const other = await clientWith({ 'dfs.checksum.type': 'CRC32' });
    const data = prng.bytes(100_000);
    const file = await other.create('/t/crc32');
    await file.write(data);
    await file.close();
    await hasContent('/t/crc32', data);
    other.close();
  });

  test('whoever takes the lease gets all that was flushed; the writer is told', async () => {
    const first = await clientWith();
    const file = await first.create('/t/taken');
    await file.write(Buffer.alloc(700, 7));
    await file.hflush();
    await assert.rejects(hdfs.append('/t/taken'), /AlreadyBeingCreated|RecoveryInProgress/);
    await hdfs.recoverLease('/t/taken');
    await hasContent('/t/taken', Buffer.alloc(700, 7));
    await file.write(Buffer.from('late'));
    await assert.rejects(file.close(), (error) => isRemote(error, 'LeaseExpiredException'));
    await assert.rejects(file.hflush(), (error) => isRemote(error, 'LeaseExpiredException'));
    file.abort();
    await hasContent('/t/taken', Buffer.alloc(700, 7));
    first.close();
  });

  test('a file that was given up is closed by whoever recovers it', async () => {
    const file = await hdfs.create('/t/left');
    await file.write(Buffer.alloc(5_000, 5));
    await file.hflush();
    file.abort();
    await assert.rejects(file.hflush(), /was given up/);
    // The same client may do it, and go on writing.
    await hdfs.recoverLease('/t/left');
    await hasContent('/t/left', Buffer.alloc(5_000, 5));
    const again = await hdfs.append('/t/left');
    await again.write(Buffer.alloc(100, 6));
    await again.close();
    assert.equal((await hdfs.stat('/t/left'))?.length, 5_100);
  });

  test('a pause of this process costs the pipeline, but not the file', async () => {
    const files = [
      await hdfs.create('/t/paused1', { replication: 1 }),
      await hdfs.create('/t/paused3'),
    ];
    for (const file of files) await file.write(Buffer.alloc(1_000, 1));
    for (const file of files) await file.hflush();
    // Longer than the DataNodes wait for anything to come.
    warnings.length = 0;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5_000);
    for (const file of files) {
      await file.write(Buffer.alloc(1_000, 2));
      await file.hsync();
      await file.close();
      const expected = Buffer.concat([Buffer.alloc(1_000, 1), Buffer.alloc(1_000, 2)]);
      await hasContent(file.path, expected);
    }
    // Once each, or again while a busy DataNode is not done with the old one.
    assert(warnings.length >= 2, `${warnings}`);
    assert.deepEqual([...new Set(warnings)], ['The pipeline of a block broke.']);
  });

  test('a directory of erasure-coded files is refused, and left as it was', async () => {
    const policy = message('EnableErasureCodingPolicyRequestProto', { name: required(1, string) });
    const setting = message('SetErasureCodingPolicyRequestProto', {
      src: required(1, string),
      name: required(2, string),
    });
    await hdfs.mkdirs('/t/coded');
    await callNameNode('enableErasureCodingPolicy', policy.encode({ name: codingPolicy }));
    const request = setting.encode({ src: '/t/coded', name: codingPolicy });
    await callNameNode('setErasureCodingPolicy', request);
    const refused = { code: 'HDFS_UNSUPPORTED', message: '/t/coded/file: is erasure-coded' };
    await assert.rejects(hdfs.create('/t/coded/file'), refused);
    assert.equal(await hdfs.stat('/t/coded/file'), undefined);
  });

  test('a quota is an error that is not worth a retry', async () => {
    await hdfs.mkdirs('/t/quota');
    await cluster.run('org.apache.hadoop.hdfs.tools.DFSAdmin', [
      '-setSpaceQuota',
      '4096',
      '/t/quota',
    ]);
    const file = await hdfs.create('/t/quota/file');
    await assert.rejects(file.write(Buffer.from('x')), (error) => {
      return (
        error instanceof RemoteError && error.is('DSQuotaExceededException') && !error.retryable
      );
    });
    file.abort();
  });

  test('reads another replica when one is damaged', async () => {
    const data = prng.bytes(200_000);
    const file = await hdfs.create('/t/damaged', { replication: 2 });
    await file.write(data);
    const names = [nodeOf(file, 0), nodeOf(file, 1)];
    await file.close();
    // One of the two is read first; both orders must do.
    const finalized = (name: string) => join(folder, 'data', name, 'current');
    const [name = ''] = names;
    const paths = readdirSync(finalized(name), { recursive: true, encoding: 'utf8' })
      .filter((path) => /finalized.*blk_\d+$/.test(path))
      .map((path) => join(finalized(name), path));
    const path = paths.find((each) => readFileSync(each).equals(data)) ?? assert.fail();
    const damaged = Buffer.from(data);
    damaged[150_000] = (damaged[150_000] ?? 0) ^ 1;
    writeFileSync(path, damaged);
    for (let round = 0; round < 4; round++) await hasContent('/t/damaged', data);
  });

  test('a killed DataNode is replaced in the middle of a block', async () => {
    await reviveAll();
    const data = prng.bytes(2 * blockBytes);
    const file = await hdfs.create('/t/killed');
    let at = 0;
    const writeTo = async (to: number) => {
      await file.write(data.subarray(at, to));
      at = to;
    };
    await writeTo(100_000);
    await file.hflush();
    const victim = nodeOf(file, 1);
    await cluster.process(victim).kill();
    await writeTo(300_000);
    await file.hflush();
    assert.equal(file.currentReplication, 3);
    assert(!file.datanodes.some((_, index) => nodeOf(file, index) === victim));
    await writeTo(data.length);
    await file.close();
    await hasContent('/t/killed', data);
  });

  test('without a replacement the rest of the pipeline goes on, if that is allowed', async () => {
    await reviveAll();
    const key = 'dfs.client.block.write.replace-datanode-on-failure';
    const modest = await clientWith({ [`${key}.best-effort`]: 'true' });
    const data = prng.bytes(2_200_000);
    const file = await modest.create('/t/fewer');
    await file.write(data.subarray(0, 300_000));
    await file.hflush();
    const names = file.datanodes.map((_, index) => nodeOf(file, index));
    const [other] = cluster.dataNodes.filter(({ name }) => !names.includes(name));
    await cluster.process(other?.name ?? '').kill();
    // The first of the pipeline, with packets under way.
    const writing = file.write(data.subarray(300_000, 900_000));
    await cluster.process(names[0] ?? '').kill();
    await writing;
    await file.hsync();
    assert.equal(file.currentReplication, 2);
    await file.write(data.subarray(900_000));
    await file.close();
    await hasContent('/t/fewer', data);
    modest.close();
  });

  test('a stopped DataNode is given up, and what it has later does not count', async () => {
    await reviveAll();
    const data = prng.bytes(400_000);
    const file = await hdfs.create('/t/stopped', { replication: 2 });
    await file.write(data.subarray(0, 1_000));
    await file.hflush();
    const stopped = cluster.process(nodeOf(file, 1));
    stopped.signal('SIGSTOP');
    await file.write(data.subarray(1_000));
    await file.hflush();
    assert.equal(file.currentReplication, 1);
    stopped.signal('SIGCONT');
    await file.close();
    await hasContent('/t/stopped', data);
  });

  test('the last packet may be lost with its DataNode', async () => {
    await reviveAll();
    const file = await hdfs.create('/t/last', { replication: 2 });
    await file.write(Buffer.alloc(3_000, 3));
    await file.hflush();
    const stopped = cluster.process(nodeOf(file, 1));
    stopped.signal('SIGSTOP');
    const closing = file.close();
    await sleep(300);
    await stopped.kill();
    await closing;
    await hasContent('/t/last', Buffer.alloc(3_000, 3));
    await reviveAll();
  });

  test('a DataNode that restarts for an upgrade is waited for', async () => {
    await reviveAll();
    const file = await hdfs.create('/t/upgraded', { replication: 1 });
    await file.write(Buffer.alloc(3_000, 3));
    await file.hflush();
    const name = nodeOf(file, 0);
    const ipc = cluster.dataNodes.find((each) => each.name === name)?.ports[1];
    await cluster.run('org.apache.hadoop.hdfs.tools.DFSAdmin', [
      ...['-shutdownDatanode', `127.0.0.1:${ipc}`, 'upgrade'],
    ]);
    await cluster.process(name).exited;
    cluster.startDataNode(name);
    await file.write(Buffer.alloc(1_000, 4));
    await file.close();
    await hasContent(
      '/t/upgraded',
      Buffer.concat([Buffer.alloc(3_000, 3), Buffer.alloc(1_000, 4)]),
    );
  });

  test('the NameNode may restart while a file is written', async () => {
    const data = prng.bytes(1_500_000);
    const file = await hdfs.create('/t/restarted');
    await file.write(data.subarray(0, 500_000));
    await file.hflush();
    await cluster.process('n1').kill();
    await file.write(data.subarray(500_000, 600_000));
    await file.hflush();
    cluster.startNameNode('n1');
    await file.write(data.subarray(600_000));
    await file.hflush();
    await file.close();
    await hasContent('/t/restarted', data);
  });

  test('safe mode is waited for', async () => {
    await cluster.untilLive(4);
    await cluster.run('org.apache.hadoop.hdfs.tools.DFSAdmin', ['-safemode', 'enter']);
    assert.equal(await hdfs.isInSafeMode(), true);
    const creating = hdfs.create('/t/safe');
    await cluster.run('org.apache.hadoop.hdfs.tools.DFSAdmin', ['-safemode', 'leave']);
    await (await creating).close();
  });

  test('everything that was written is whole in the end', async () => {
    await eventually('fsck finds nothing wrong', async () => {
      const report = await cluster.fsck('/t', '-openforwrite');
      return /Status: HEALTHY/.test(report);
    });
  });
});
