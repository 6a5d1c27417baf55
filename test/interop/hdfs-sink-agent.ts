/** One agent with a source, a channel and a sink for each case, and what it is sent. */
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AgentProcess } from '../../testbed/agent-process.ts';
import type { FlowFolder } from '../../testbed/flow-folder.ts';
import { startFlume } from '../../testbed/flume.ts';
import type { HdfsCluster } from '../../testbed/hdfs.ts';
import { jarsOf } from '../../testbed/jars.ts';
import { freePorts, isListening, sendOverTcp } from '../../testbed/ports.ts';
import { commonKeys, type SinkCase } from './hdfs-sink-cases.ts';

export interface Peer {
  readonly name: 'flume' | 'millrace';
  /** What is its own on the local disk. */
  readonly folder: string;
  /** Of the sources, by case. */
  readonly ports: ReadonlyMap<SinkCase, number>;
  readonly clusterUrl: string;
  readonly home: string;
}

export interface RunningPeer extends Peer {
  readonly agent: AgentProcess;
}

/** Both agents, which are to write the same. */
export type Peers = Readonly<Record<Peer['name'], RunningPeer>>;

const waitMs = 300_000;
const pollMs = 250;

/** Where a peer writes the files of a case. */
export function rootOf(peer: Peer, { name, place }: SinkCase): string {
  if (place === 'local') return join(peer.folder, 'local', name);
  return place === 'home' ? `${peer.home}/${peer.name}/${name}` : `/${peer.name}/${name}`;
}

/** What the taildir source of a case reads. */
export function inputFile(peer: Peer, { name }: SinkCase): string {
  return join(peer.folder, 'input', `${name}.log`);
}

/** The properties of agent a1. */
export function configurationOf(peer: Peer, cases: readonly SinkCase[]): string {
  const sinks = cases.flatMap((each, index) => [
    { name: `k${index}`, index, keys: { ...commonKeys, ...each.sink }, of: each },
    ...(each.secondSink
      ? [
          {
            name: `l${index}`,
            index,
            keys: { ...commonKeys, ...each.sink, ...each.secondSink },
            of: each,
          },
        ]
      : []),
  ]);
  const lines = [
    `a1.sources = ${cases.map((_, index) => `r${index}`).join(' ')}`,
    `a1.channels = ${cases.map((_, index) => `c${index}`).join(' ')}`,
    `a1.sinks = ${sinks.map(({ name }) => name).join(' ')}`,
  ];
  for (const [index, each] of cases.entries()) {
    const source = sourceOf(peer, each, index).map((line) => `a1.sources.r${index}.${line}`);
    const channel = channelOf(peer, each).map((line) => `a1.channels.c${index}.${line}`);
    lines.push(...source, ...channel);
  }
  for (const { name, index, keys, of } of sinks) {
    lines.push(`a1.sinks.${name}.channel = c${index}`);
    for (const [key, value] of Object.entries(keys)) {
      if (value !== null) lines.push(`a1.sinks.${name}.${key} = ${filledIn(peer, of, value)}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

function filledIn(peer: Peer, each: SinkCase, value: string): string {
  const text = value
    .replaceAll('<root>', rootOf(peer, each))
    .replaceAll('<local>', rootOf(peer, each))
    .replaceAll('<peer>', peer.name)
    .replaceAll('<folder>', peer.folder)
    .replaceAll('<url>', peer.clusterUrl);
  return text.replace(/[^\x20-\x7e\n]/g, (letter) => {
    return `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

function sourceOf(peer: Peer, each: SinkCase, index: number): string[] {
  const { source = 'syslogtcp', interceptors = [], name } = each;
  const lines = [`type = ${source}`, `channels = c${index}`];
  if (source === 'TAILDIR') {
    const positions = join(peer.folder, `${name}.positions.json`);
    lines.push('filegroups = g', `filegroups.g = ${inputFile(peer, each)}`);
    lines.push(`positionFile = ${positions}`);
  } else {
    const hostKey = source === 'netcat' ? 'bind' : 'host';
    const portKey = source === 'multiport_syslogtcp' ? 'ports' : 'port';
    lines.push(`${hostKey} = 127.0.0.1`, `${portKey} = ${peer.ports.get(each)}`);
  }
  if (interceptors.length > 0) {
    lines.push(`interceptors = ${interceptors.map((_, number) => `i${number}`).join(' ')}`);
  }
  for (const [number, keys] of interceptors.entries()) {
    const filled = filledIn(peer, each, keys);
    lines.push(...filled.split('\n').map((line) => `interceptors.i${number}.${line}`));
  }
  return lines;
}

function channelOf(peer: Peer, { fileChannel, name }: SinkCase): string[] {
  // Flume's sinks wait so long, in seconds, for the rest of a batch.
  const common = ['capacity = 10000', 'transactionCapacity = 1000', 'keep-alive = 1'];
  if (!fileChannel) return ['type = memory', ...common];
  const folder = join(peer.folder, 'channels', name);
  return [
    'type = file',
    ...common,
    `checkpointDir = ${folder}/checkpoint`,
    `dataDirs = ${folder}/data`,
  ];
}

/**
 * Starts both agents on one cluster, each with its cases; resolves when all their sources listen.
 *
 * @param prepare makes what has to be there before an agent starts
 */
export async function startPeers(
  cluster: HdfsCluster,
  flow: FlowFolder,
  casesOf: (name: Peer['name']) => readonly SinkCase[],
  prepare: (peer: Peer) => Promise<void>,
): Promise<Peers> {
  const start = async (name: Peer['name']): Promise<RunningPeer> => {
    const cases = casesOf(name);
    const listening = cases.filter(({ source }) => source !== 'TAILDIR');
    const ports = await freePorts(listening.length);
    const peer: Peer = {
      name,
      folder: flow.folder(name),
      ports: new Map(listening.map((each, index) => [each, ports[index] ?? 0])),
      clusterUrl: cluster.url,
      home: `/user/${userInfo().username}`,
    };
    await prepare(peer);
    const conf = flow.file(`${name}.properties`, configurationOf(peer, cases));
    const agent = name === 'flume' ? startFlumeOn(cluster, flow, conf) : flow.startMillrace(conf);
    return { ...peer, agent };
  };
  const peers = { flume: await start('flume'), millrace: await start('millrace') };
  for (const peer of Object.values(peers)) {
    await until(`${peer.name} listens`, peer.agent, () => listensToAll(peer));
  }
  return peers;
}

async function listensToAll(peer: Peer): Promise<boolean> {
  const answers = await Promise.all([...peer.ports.values()].map(isListening));
  return answers.every(Boolean);
}

/** Over one connection, so that the order is kept. Not for cases that read a file. */
export async function send(peer: Peer, each: SinkCase, lines: readonly string[]): Promise<void> {
  const port = peer.ports.get(each);
  if (port === undefined) throw new Error(`${each.name} has no port`);
  await sendOverTcp(port, [Buffer.from(lines.map((line) => `${line}\n`).join(''))]);
}

/** With Hadoop's client behind Flume's own jars, as `flume-ng` puts it there. */
function startFlumeOn(cluster: HdfsCluster, flow: FlowFolder, conf: string): AgentProcess {
  const agent = startFlume({
    conf,
    agent: 'a1',
    cwd: flow.path,
    logPath: `${flow.path}/flume.log`,
    // It is over before the better compiler would pay.
    javaOptions: ['-Xmx512m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'],
    classPath: [cluster.confDir],
    moreClassPath: [`${jarsOf('hdfs')}/*`],
  });
  flow.beforeRemoval(() => agent.hasExited || agent.kill());
  return agent;
}

/** @throws Error with the end of the agent's log when it takes too long or the agent ends */
export async function until(
  what: string,
  agent: AgentProcess,
  condition: () => Promise<boolean>,
): Promise<void> {
  const deadline = performance.now() + waitMs;
  while (!(await condition())) {
    const late = performance.now() > deadline;
    if (late || agent.hasExited) {
      const why = late ? `not within ${waitMs} ms` : 'the agent ended by itself';
      throw new Error(`${what}: ${why}\n${agent.log().slice(-3_000)}`);
    }
    await sleep(pollMs);
  }
}
