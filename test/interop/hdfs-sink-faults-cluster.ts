/** What an administrator does to a cluster, without the start of a JVM for each command. */
import { userInfo } from 'node:os';
import { identifier, message, required, string } from '../../src/bytes/protobuf.ts';
import { systemClock } from '../../src/core/clock.ts';
import { clientProtocolName, type Method, setSafeMode } from '../../src/hdfs/client-protocol.ts';
import { readConfig } from '../../src/hdfs/config.ts';
import { NameNodes } from '../../src/hdfs/namenodes.ts';
import { Prng } from '../../src/testing/prng.ts';
import type { HdfsCluster } from '../../testbed/hdfs.ts';

/** Java's `Long.MAX_VALUE`: this quota stays as it is. And -1: there is none any more. */
const unchanged = 2n ** 63n - 1n;
const none = 2n ** 64n - 1n;

const setQuota = {
  name: 'setQuota',
  protocol: clientProtocolName,
  request: message('SetQuotaRequestProto', {
    path: required(1, string),
    namespaceQuota: required(2, identifier),
    storagespaceQuota: required(3, identifier),
  }),
  response: message('SetQuotaResponseProto', {}),
};

/** @param bytes of all replicas together; absent: no limit */
export async function setSpaceQuota(cluster: HdfsCluster, path: string, bytes?: number) {
  const storagespaceQuota = bytes === undefined ? none : BigInt(bytes);
  await callOnce(cluster, setQuota, { path, namespaceQuota: unchanged, storagespaceQuota });
}

/** @param names files and directories, with the one at `path`; absent: no limit */
export async function setNameQuota(cluster: HdfsCluster, path: string, names?: number) {
  const namespaceQuota = names === undefined ? none : BigInt(names);
  await callOnce(cluster, setQuota, { path, namespaceQuota, storagespaceQuota: unchanged });
}

/** @param action one of `safeModeActions` */
export async function changeSafeMode(cluster: HdfsCluster, action: number) {
  await callOnce(cluster, setSafeMode, { action });
}

async function callOnce<Request, Response>(
  cluster: HdfsCluster,
  method: Method<Request, Response>,
  request: Request,
): Promise<void> {
  const config = readConfig(new Map(), cluster.url);
  const random = new Prng(Date.now());
  const nameNodes = new NameNodes(config, systemClock, random);
  try {
    await nameNodes.call(method, request);
  } finally {
    nameNodes.close();
  }
}

/** What `hdfs fsck` would print, with the blocks and where they are. */
async function reportOn({ nameNodes }: HdfsCluster, path: string): Promise<string> {
  const options = 'files=1&blocks=1&locations=1&openforwrite=1';
  for (const { httpPort } of nameNodes) {
    const user = userInfo().username;
    const url = `http://127.0.0.1:${httpPort}/fsck?ugi=${user}&path=${path}&${options}`;
    const answer = await fetch(url).then(
      (response) => response.text(),
      () => '',
    );
    if (/^The filesystem under path/m.test(answer)) return answer;
  }
  throw new Error(`no NameNode tells of ${path}`);
}

/** The files below a directory that somebody writes. */
export async function openPathsBelow(cluster: HdfsCluster, path: string): Promise<string[]> {
  const report = await reportOn(cluster, path);
  return report.split('\n').flatMap((line) => {
    const [, found] = /^(\/\S*) .*OPENFORWRITE/.exec(line) ?? [];
    return found ?? [];
  });
}

/** The names of the DataNodes that the last block of a file is on, in the order of its pipeline. */
export async function pipelineOf(cluster: HdfsCluster, path: string): Promise<string[]> {
  const report = await reportOn(cluster, path);
  const last = report.split('\n').findLast((line) => line.includes('DatanodeInfoWithStorage'));
  const ports = [...(last ?? '').matchAll(/DatanodeInfoWithStorage\[[\d.]+:(\d+)/g)];
  return ports.map(([, port]) => cluster.dataNodeAt(Number(port)).name);
}
