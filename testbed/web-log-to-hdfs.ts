/**
 * Starts HDFS, runs examples/web-log-to-hdfs.properties against it, and shows what came there:
 * `npm run example:hdfs`. It ends by itself, and leaves nothing running.
 */
import { appendFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { HdfsClient } from '../src/hdfs/index.ts';
import { HdfsCluster, hdfsMissing } from './hdfs.ts';
import { repositoryRoot, startMillrace } from './millrace.ts';

const lines = 50_000;
const waitMs = 60_000;

const missing = hdfsMissing();
if (missing) {
  console.error(`HDFS can't be started here: ${missing}`);
  process.exit(1);
}
const folder = mkdtempSync(join(tmpdir(), 'millrace-example-'));
console.log('Starting HDFS: a NameNode and three DataNodes …');
const cluster = await HdfsCluster.start({ folder: join(folder, 'hdfs') });
try {
  await runExample(cluster);
} finally {
  await cluster.stop();
  rmSync(folder, { recursive: true, force: true });
}

async function runExample({ confDir, url, fsck }: HdfsCluster): Promise<void> {
  console.log(`HDFS is at ${url}. Starting the agent on examples/web-log-to-hdfs.properties …`);
  const agent = startMillrace({
    conf: join(repositoryRoot, 'examples/web-log-to-hdfs.properties'),
    agent: 'a1',
    cwd: folder,
    logPath: join(folder, 'agent.log'),
    env: { HADOOP_CONF_DIR: confDir },
  });
  mkdirSync(join(folder, 'demo-data/in'), { recursive: true });
  const log = join(folder, 'demo-data/in/access.log');
  for (let line = 0; line < lines; line++) {
    const request = `"GET /page/${line} HTTP/1.1" 200 ${100 + (line % 900)}`;
    appendFileSync(log, `10.0.0.${line % 250} - - [${new Date().toISOString()}] ${request}\n`);
  }
  const hdfs = await HdfsClient.open({ confDir });
  const deadline = performance.now() + waitMs;
  while ((await countLines(hdfs)) < lines && performance.now() < deadline) await sleep(500);
  await agent.stop();
  const found = await countLines(hdfs);
  for await (const { path, length } of hdfs.list(await directoryOf(hdfs))) {
    console.log(`${path}  ${length} bytes`);
  }
  hdfs.close();
  console.log(`${lines} lines written to the log, ${found} of them found on HDFS.`);
  console.log((await fsck.call(cluster, '/logs')).match(/Status: \w+/)?.[0]);
  if (found !== lines) {
    console.log(agent.log());
    process.exitCode = 1;
  }
}

async function directoryOf(hdfs: HdfsClient): Promise<string> {
  for await (const { path } of hdfs.list('/logs/web')) return path;
  return '/logs/web';
}

async function countLines(hdfs: HdfsClient): Promise<number> {
  let count = 0;
  if (!(await hdfs.stat('/logs/web'))) return 0;
  for await (const { path } of hdfs.list(await directoryOf(hdfs))) {
    for await (const part of hdfs.createReadStream(path)) {
      for (const byte of part as Buffer) if (byte === 10) count++;
    }
  }
  return count;
}
