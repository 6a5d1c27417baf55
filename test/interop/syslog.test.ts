import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import avro from 'avsc';
import { Prng, seedFromEnvironment } from '../../src/testing/prng.ts';
import type { AgentProcess } from '../../testbed/agent-process.ts';
import { FlowFolder, outputFiles, waitUntilStill } from '../../testbed/flow-folder.ts';
import { flumeMissing } from '../../testbed/flume.ts';
import { freePorts, isListening, sendOverTcp, sendOverUdp } from '../../testbed/ports.ts';
import { streamOf, syslogLines } from './syslog-lines.ts';

// Both agents run there: local times must be those of a place with summer time.
process.env['TZ'] = 'America/New_York';

/** What both are sent, each to a source of its own. */
const paths: Readonly<Record<string, { source: string[]; kind: 'shared' | 'multiport' | 'udp' }>> =
  {
    tcp: { source: ['type = syslogtcp'], kind: 'shared' },
    some: { source: ['type = syslogtcp', 'keepFields = timestamp hostname'], kind: 'shared' },
    mixed: { source: ['type = syslogtcp', 'keepFields = priority version'], kind: 'shared' },
    all: { source: ['type = syslogtcp', 'keepFields = all', 'eventSize = 60'], kind: 'shared' },
    custom: {
      source: [
        'type = syslogtcp',
        'format.regex = <(\\\\d+)>(\\\\d?)\\\\s?(\\\\d{4}-\\\\d\\\\d-\\\\d\\\\d)T\\\\S*\\\\s(\\\\S+)\\\\s(.+)',
        'format.search = -(\\\\d+)',
        'format.replace = /$1',
        'format.dateFormat = yyyy/MM/dd',
      ],
      kind: 'shared',
    },
    multi: { source: ['type = multiport_syslogtcp', 'portHeader = port'], kind: 'multiport' },
    kept: {
      source: ['type = multiport_syslogtcp', 'keepFields = version hostname'],
      kind: 'multiport',
    },
    udp: { source: ['type = syslogudp', 'clientIPHeader = ip'], kind: 'udp' },
  };

const names = Object.keys(paths);
/** Flume's sinks may sleep 5 s when they found little. */
const stillMs = { flume: 6_500, millrace: 1_500 };

test('the same bytes to Flume and to Millrace', { skip: flumeMissing() }, async (t) => {
  const seed = seedFromEnvironment();
  const inputs = inputsOf(seed);
  const flow = new FlowFolder(t);
  const agents = [];
  for (const peer of ['flume', 'millrace'] as const) {
    const ports = await freePorts(names.length);
    const conf = flow.file(`${peer}.properties`, confOf(flow, peer, ports));
    const agent = peer === 'flume' ? flow.startFlume(conf) : flow.startMillrace(conf);
    agents.push({ peer, ports, agent });
  }
  for (const { peer, ports, agent } of agents) await sendAll(agent, peer, ports, inputs);
  for (const { peer, agent } of agents) {
    const outputs = names.map((name) => flow.folder(`${peer}-${name}`));
    await waitUntilStill(agent, stillMs[peer], () => totalBytes(outputs));
    await agent.stop();
  }
  for (const name of names) {
    const { kind } = paths[name] as (typeof paths)[string];
    await t.test(`${name}: the same events, but for what is documented`, async () => {
      const ours = await recordsOf(flow.folder(`millrace-${name}`));
      const theirs = await recordsOf(flow.folder(`flume-${name}`));
      const hint = `MILLRACE_SEED=${seed}`;
      assert(theirs.length > 100, `${hint}: Flume has ${theirs.length} events`);
      for (const [index, their] of theirs.entries()) {
        const our: EventRecord | undefined = ours[index];
        assert(our, `${hint}: event ${index} is missing: ${JSON.stringify(their)}`);
        assert.deepEqual(...comparable(our, their, kind), `${hint}, event ${index}`);
      }
      assert.equal(ours.length, theirs.length, hint);
    });
  }
});

/** Per path, what is sent: the pieces of a stream, or datagrams. */
function inputsOf(seed: number): ReadonlyMap<string, readonly Buffer[]> {
  const prng = new Prng(seed);
  return new Map(
    names.map((name) => {
      const kind = paths[name]?.kind ?? 'shared';
      const lines = syslogLines(prng.fork(), kind, 400);
      return [name, kind === 'udp' ? lines : streamOf(prng.fork(), lines)];
    }),
  );
}

function confOf(flow: FlowFolder, peer: string, ports: readonly number[]): string {
  const lines = [
    `a1.sources = ${names.join(' ')}`,
    `a1.channels = ${names.map((name) => `c-${name}`).join(' ')}`,
    `a1.sinks = ${names.map((name) => `k-${name}`).join(' ')}`,
  ];
  for (const [index, name] of names.entries()) {
    const port = paths[name]?.kind === 'multiport' ? 'ports' : 'port';
    for (const line of paths[name]?.source ?? []) lines.push(`a1.sources.${name}.${line}`);
    lines.push(
      `a1.sources.${name}.host = 127.0.0.1`,
      `a1.sources.${name}.${port} = ${ports[index]}`,
      `a1.sources.${name}.channels = c-${name}`,
      `a1.channels.c-${name}.type = memory`,
      `a1.channels.c-${name}.capacity = 10000`,
      `a1.channels.c-${name}.keep-alive = 1`,
      `a1.sinks.k-${name}.type = file_roll`,
      `a1.sinks.k-${name}.channel = c-${name}`,
      `a1.sinks.k-${name}.sink.directory = ${flow.folder(`${peer}-${name}`)}`,
      `a1.sinks.k-${name}.sink.rollInterval = 0`,
      `a1.sinks.k-${name}.sink.serializer = avro_event`,
    );
  }
  return `${lines.join('\n')}\n`;
}

async function sendAll(
  agent: AgentProcess,
  peer: string,
  ports: readonly number[],
  inputs: ReadonlyMap<string, readonly Buffer[]>,
): Promise<void> {
  for (const [index, name] of names.entries()) {
    const port = ports[index] ?? 0;
    const pieces = inputs.get(name) ?? [];
    if (paths[name]?.kind === 'udp') {
      await sendOverUdp(port, pieces);
      continue;
    }
    const deadline = performance.now() + 30_000;
    while (!(await isListening(port))) {
      assert(performance.now() < deadline, `${peer} does not listen: ${agent.log().slice(-2000)}`);
      await sleep(50);
    }
    await sendOverTcp(port, pieces);
  }
}

interface EventRecord {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

async function recordsOf(output: string): Promise<EventRecord[]> {
  const records: EventRecord[] = [];
  for (const path of outputFiles(output)) {
    for await (const value of avro.createFileDecoder(path)) {
      const { headers, body } = value as { headers: Record<string, string>; body: Buffer };
      records.push({ headers: { ...headers }, body: body.toString('latin1') });
    }
  }
  return records;
}

function totalBytes(outputs: readonly string[]): number {
  return outputs.flatMap(outputFiles).reduce((sum, path) => sum + statSync(path).size, 0);
}

type Headers = Record<string, string | undefined>;

/** The two, without what is documented to differ. */
function comparable(
  our: EventRecord,
  their: EventRecord,
  kind: string,
): [ours: EventRecord, theirs: EventRecord] {
  const ours: Headers = { ...our.headers };
  const theirs: Headers = { ...their.headers };
  if (kind === 'multiport') {
    // Flume takes 2001 for the year of what is more than a month ago, and 1999 ahead.
    const year = new Date(Number(theirs['timestamp'])).getUTCFullYear();
    const isOff = year >= 1999 && year <= 2001;
    const isNow = Math.abs(Number(ours['timestamp']) - Number(theirs['timestamp'])) < 120_000;
    if (isOff || isNow) delete ours['timestamp'];
    if (isOff || isNow) delete theirs['timestamp'];
    delete ours['port'];
    delete theirs['port'];
  } else {
    // Flume's may be those of an earlier message, and lack a priority that it did not match.
    const isMatched = ours['host'] !== undefined || ours['timestamp'] !== undefined;
    if (!isMatched || ours['priority'] === undefined) delete theirs['priority'];
    if (!isMatched) delete ours['priority'];
    if (ours['version'] === undefined) delete theirs['version'];
  }
  // Flume keeps `null` of what a message does not have.
  const body = kind === 'multiport' ? their.body : withDashes(their.body);
  return [
    { headers: sorted(ours), body: our.body },
    { headers: sorted(theirs), body },
  ];
}

function withDashes(body: string): string {
  return body.replace(/^(<\d+>)?null /, '$1- ').replace(/^(\S+ )null /, '$1- ');
}

function sorted(headers: Headers): Record<string, string> {
  const entries = Object.entries(headers).filter((entry): entry is [string, string] => {
    return entry[1] !== undefined;
  });
  return Object.fromEntries(entries.sort(([left], [right]) => (left < right ? -1 : 1)));
}
