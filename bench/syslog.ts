/**
 * Syslog over the network → memory → file_roll: Millrace, real Flume and rsyslog in turns, since one
 * machine is half as fast in one hour as in another. Options choose:
 *
 *   node bench/syslog.ts [--cases tcp-rfc3164,…] [--peers millrace,flume,rsyslog] [--runs 3]
 *        [--events 3000000] [--scratch /tmp] [--profiles FOLDER]
 *
 * Writes bench/results/syslog.json and, from all results, bench/RESULTS.md.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { AgentProcess } from '../testbed/agent-process.ts';
import { flumeMissing, startFlume } from '../testbed/flume.ts';
import { repositoryRoot, startMillrace } from '../testbed/millrace.ts';
import { freePorts, isListening } from '../testbed/ports.ts';
import { cpuSeconds, peakResidentBytes } from '../testbed/process-usage.ts';
import { rsyslogMissing, startRsyslog } from '../testbed/syslog-senders.ts';
import { saveNote, writeReport } from './report.ts';
import { blockEvents, type SyslogFormat, syslogBlock } from './syslog-sender.ts';

type PeerName = 'millrace' | 'flume' | 'rsyslog';

interface Case {
  readonly source: 'syslogtcp' | 'multiport_syslogtcp' | 'syslogudp';
  readonly format: SyslogFormat;
  readonly peers: readonly PeerName[];
  /** Events a second; absent: as fast as they are taken. */
  readonly rate?: number;
  /** Connections at once, with an event each in turn; absent: one. */
  readonly connections?: number;
  /** Where the rate would make a run of --events long. */
  readonly events?: number;
}

/** rsyslog's bodies are those of the sources for RFC 3164 only. */
const cases: Readonly<Record<string, Case>> = {
  'tcp-rfc3164': {
    source: 'syslogtcp',
    format: 'rfc3164',
    peers: ['millrace', 'flume', 'rsyslog'],
  },
  'tcp-rfc5424': { source: 'syslogtcp', format: 'rfc5424', peers: ['millrace', 'flume'] },
  'multiport-rfc3164': {
    source: 'multiport_syslogtcp',
    format: 'rfc3164',
    peers: ['millrace', 'flume'],
  },
  'multiport-rfc5424': {
    source: 'multiport_syslogtcp',
    format: 'rfc5424',
    peers: ['millrace', 'flume'],
  },
  '1000 connections': {
    source: 'syslogtcp',
    format: 'rfc3164',
    peers: ['millrace', 'rsyslog'],
    rate: 20_000,
    connections: 1_000,
    events: 600_000,
  },
  'udp-rfc3164': {
    source: 'syslogudp',
    format: 'rfc3164',
    peers: ['millrace', 'flume', 'rsyslog'],
    rate: 50_000,
    events: 1_000_000,
  },
  'udp-rfc3164-fast': {
    source: 'syslogudp',
    format: 'rfc3164',
    peers: ['millrace', 'flume', 'rsyslog'],
    rate: 200_000,
    events: 3_000_000,
  },
};

interface Run {
  readonly peer: PeerName;
  readonly sent: number;
  /** What its output holds of that, in the average of bodies. */
  readonly arrived: number;
  /** From the first byte of output to the last. */
  readonly seconds: number;
  /** Of the whole process, all threads, from the first message on. */
  readonly cpuSeconds: number;
  readonly peakResidentBytes: number;
}

const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: Object.keys(cases).join(',') },
    peers: { type: 'string', default: 'millrace,flume,rsyslog' },
    runs: { type: 'string', default: '3' },
    events: { type: 'string', default: '3000000' },
    scratch: { type: 'string', default: tmpdir() },
    profiles: { type: 'string' },
  },
});
/** Nothing new for so long is the end of what arrives. */
const stillMs = 8_000;
const pollMs = 5;

const eventsOf = (each: Case) => each.events ?? Number(values.events);

function confOf(each: Case, port: number, folder: string): string {
  const ports = each.source === 'multiport_syslogtcp' ? 'ports' : 'port';
  return [
    'a1.sources = r1',
    'a1.channels = c1',
    'a1.sinks = k1',
    `a1.sources.r1.type = ${each.source}`,
    'a1.sources.r1.host = 127.0.0.1',
    `a1.sources.r1.${ports} = ${port}`,
    'a1.sources.r1.channels = c1',
    ...(each.source === 'multiport_syslogtcp'
      ? ['a1.sources.r1.batchSize = 5000', 'a1.sources.r1.readBufferBytes = 65536']
      : []),
    'a1.channels.c1.type = memory',
    // Flume drops what does not fit.
    'a1.channels.c1.capacity = 1000000',
    'a1.channels.c1.transactionCapacity = 5000',
    'a1.sinks.k1.type = file_roll',
    'a1.sinks.k1.channel = c1',
    `a1.sinks.k1.sink.directory = ${folder}/out`,
    'a1.sinks.k1.sink.rollInterval = 0',
    'a1.sinks.k1.sink.batchSize = 5000',
    '',
  ].join('\n');
}

/** Its best of the settings tried here: imptcp, one queue for the action, asynchronous writes. */
function rsyslogConf(each: Case, port: number, folder: string): string {
  const [module, input] =
    each.source === 'syslogudp'
      ? ['imudp', `input(type="imudp" address="127.0.0.1" port="${port}" ruleset="r")`]
      : [
          'imptcp',
          `input(type="imptcp" address="127.0.0.1" port="${port}" socketBacklog="1024" ruleset="r")`,
        ];
  return [
    `global(workDirectory="${folder}")`,
    `module(load="${module}")`,
    'template(name="body" type="string" string="%syslogtag%%msg%\\n")',
    'ruleset(name="r" queue.type="FixedArray" queue.size="100000" queue.dequeueBatchSize="5000") {',
    `  action(type="omfile" file="${folder}/out/log" template="body" asyncWriting="on"`,
    '    ioBufferSize="256k" flushOnTXEnd="off" flushInterval="1")',
    '}',
    input,
    '',
  ].join('\n');
}

function startPeer(peer: PeerName, each: Case, port: number, folder: string): AgentProcess {
  const conf = join(folder, 'flow.conf');
  if (peer === 'rsyslog') {
    writeFileSync(conf, rsyslogConf(each, port, folder));
    return startRsyslog(conf, folder);
  }
  writeFileSync(conf, confOf(each, port, folder));
  const common = { conf, agent: 'a1', cwd: folder, logPath: join(folder, 'agent.out') };
  const javaOptions = ['-Xmx2g', '-XX:+UseSerialGC'];
  if (peer === 'flume') return startFlume({ ...common, javaOptions });
  const { profiles } = values;
  const nodeOptions = profiles ? ['--cpu-prof', `--cpu-prof-dir=${profiles}`] : [];
  return startMillrace({ ...common, nodeOptions });
}

async function measure(peer: PeerName, each: Case): Promise<Run> {
  const folder = join(values.scratch, 'millrace-bench', `syslog-${peer}`);
  const output = join(folder, 'out');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(output, { recursive: true });
  const [port = 0] = await freePorts(1);
  const agent = startPeer(peer, each, port, folder);
  try {
    await waitForPort(agent, each, port);
    const cpuBefore = cpuSeconds(agent.pid);
    const sent = Math.ceil(eventsOf(each) / blockEvents) * blockEvents;
    const wanted = (sent / blockEvents) * syslogBlock(each.format).bodyBytes;
    const sending = startSender(each, port);
    const { bytes, seconds } = await waitForOutput(agent, output, wanted, sending);
    const run = {
      peer,
      sent,
      arrived: Math.round((bytes / wanted) * sent),
      seconds,
      cpuSeconds: cpuSeconds(agent.pid) - cpuBefore,
      peakResidentBytes: peakResidentBytes(agent.pid),
    };
    await sending;
    await agent.stop();
    return run;
  } finally {
    if (!agent.hasExited) await agent.kill();
    rmSync(output, { recursive: true, force: true });
  }
}

async function waitForPort(agent: AgentProcess, { source }: Case, port: number): Promise<void> {
  if (source === 'syslogudp') await sleep(4_000);
  else while (!agent.hasExited && !(await isListening(port))) await sleep(50);
  if (agent.hasExited) throw new Error(`it ended early: ${agent.log().slice(-2_000)}`);
}

function startSender(each: Case, port: number): Promise<void> {
  const { source, format, rate, connections } = each;
  const args = ['--port', `${port}`, '--events', `${eventsOf(each)}`, '--format', format];
  if (source === 'syslogudp') args.push('--transport', 'udp');
  if (rate !== undefined) args.push('--rate', `${rate}`);
  if (connections !== undefined) args.push('--connections', `${connections}`);
  const sender = spawn(
    process.execPath,
    [join(repositoryRoot, 'bench/syslog-sender.ts'), ...args],
    { stdio: 'inherit' },
  );
  return new Promise((resolve, reject) => {
    sender.on('error', reject);
    sender.on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`sender: ${code}`))));
  });
}

/** Until all is there, or nothing more comes. */
async function waitForOutput(
  agent: AgentProcess,
  output: string,
  wanted: number,
  sending: Promise<void>,
): Promise<{ bytes: number; seconds: number }> {
  let isSending = true;
  void sending.finally(() => {
    isSending = false;
  });
  let bytes = 0;
  let firstAt = 0;
  let movedAt = performance.now();
  for (;;) {
    const now = performance.now();
    const size = readdirSync(output).reduce(
      (sum, name) => sum + statSync(join(output, name)).size,
      0,
    );
    if (size > 0 && bytes === 0) firstAt = now;
    if (size !== bytes) movedAt = now;
    bytes = size;
    const isStill = !isSending && now - movedAt > stillMs;
    if (bytes >= wanted || isStill) return { bytes, seconds: (movedAt - firstAt) / 1000 };
    if (agent.hasExited) throw new Error(`it ended early: ${agent.log().slice(-2_000)}`);
    await sleep(pollMs);
  }
}

const median = (numbers: readonly number[]) => {
  return numbers.toSorted((left, right) => left - right)[Math.floor(numbers.length / 2)] ?? 0;
};
const rateOf = ({ arrived, seconds }: Run) => arrived / seconds / 1000;
const cpuOf = ({ arrived, cpuSeconds: seconds }: Run) => (seconds / arrived) * 1e6;
const megabytesOf = (run: Run) => run.peakResidentBytes / 1e6;
const lostOf = ({ sent, arrived }: Run) => (1 - arrived / sent) * 100;

function row(name: string, peer: PeerName, runs: readonly Run[]): string {
  const of = runs.filter((run) => run.peer === peer);
  const cells = [
    name,
    peer,
    median(of.map(rateOf)).toFixed(0),
    median(of.map(cpuOf)).toFixed(2),
    median(of.map(megabytesOf)).toFixed(0),
    `${median(of.map(lostOf)).toFixed(1)} %`,
    String(of.length),
  ];
  return `| ${cells.join(' | ')} |`;
}

const why: Readonly<Record<PeerName, string | false>> = {
  millrace: false,
  flume: flumeMissing(),
  rsyslog: rsyslogMissing(),
};
const chosen = (Object.keys(why) as PeerName[]).filter((peer) => {
  if (why[peer]) console.log(`without ${peer}: ${why[peer]}`);
  return values.peers.split(',').includes(peer) && !why[peer];
});
const results: { name: string; runs: Run[] }[] = [];
for (const name of values.cases.split(',')) {
  const each = cases[name];
  if (!each) throw new Error(`${name}: expected one of ${Object.keys(cases).join(', ')}`);
  const runs: Run[] = [];
  for (let turn = 0; turn < Number(values.runs); turn++) {
    for (const peer of each.peers.filter((one) => chosen.includes(one))) {
      const run = await measure(peer, each);
      runs.push(run);
      const cpu = `${cpuOf(run).toFixed(2)} µs/event`;
      const speed = `${rateOf(run).toFixed(0)} k events/s, ${cpu}`;
      const memory = `${megabytesOf(run).toFixed(0)} MB`;
      console.log(`${name}, ${peer}: ${speed}, ${memory}, ${lostOf(run).toFixed(1)} % lost`);
    }
  }
  results.push({ name, runs });
}
const table = [
  '| case | | k events/s | CPU µs/event | peak MB | lost | runs |',
  '|---|---|---:|---:|---:|---:|---:|',
  ...results.flatMap(({ name, runs }) => {
    const peers = chosen.filter((peer) => runs.some((run) => run.peer === peer));
    return peers.map((peer) => row(name, peer, runs));
  }),
].join('\n');
const block = syslogBlock('rfc3164');
const meanBytes = Buffer.concat(block.messages).length / blockEvents;
const introduction = `One connection unless said otherwise, and a sender on the same machine, which has two processors for
both: ${values.events} messages (UDP, slow 1,000,000, of 1,000 connections 600,000) of ${meanBytes.toFixed(0)} bytes, parsed,
through memory into one file.
CPU is that of the receiver alone, all threads, from the first message on. Over UDP the sender keeps
to 50,000 or 200,000 datagrams a second, over 1,000 connections to 20 events a second each.`;
if (!values.profiles) {
  saveNote('syslog', 'Syslog over the network', `${introduction}\n\n${table}`, results);
  writeReport();
}
console.log(table);
