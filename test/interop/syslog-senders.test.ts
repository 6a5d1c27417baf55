import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import avro from 'avsc';
import { pkcs12KeyStore } from '../../src/net/fake-key-stores.ts';
import type { AgentProcess } from '../../testbed/agent-process.ts';
import { FlowFolder, outputFiles, waitUntil } from '../../testbed/flow-folder.ts';
import { freePorts } from '../../testbed/ports.ts';
import {
  loggerMissing,
  logWith,
  rsyslogMissing,
  startRsyslog,
  startSyslogNg,
  syslogNgMissing,
} from '../../testbed/syslog-senders.ts';

/** What each way gets. */
const messageCount = 50;
/** How long daemons may take to deliver it: syslog-ng waits before it connects again. */
const deliveryMs = 30_000;
const messages = Array.from({ length: messageCount }, (_, n) => `message ${n} of many: größer`);

const sourceNames = ['tcp', 'multi', 'udp', 'tls'] as const;
type SourceName = (typeof sourceNames)[number];

interface EventRecord {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A Millrace agent with a source of each kind, which writes what it gets into files. */
class Receiver {
  readonly flow: FlowFolder;
  readonly agent: AgentProcess;
  readonly ports: Readonly<Record<SourceName, number>>;

  private constructor(
    flow: FlowFolder,
    agent: AgentProcess,
    ports: Readonly<Record<SourceName, number>>,
  ) {
    this.flow = flow;
    this.agent = agent;
    this.ports = ports;
  }

  static async start(t: TestContext): Promise<Receiver> {
    const flow = new FlowFolder(t);
    const [tcp = 0, multi = 0, udp = 0, tls = 0] = await freePorts(4);
    const keystore = flow.file('keys.p12', pkcs12KeyStore);
    const own = {
      tcp: ['type = syslogtcp', `port = ${tcp}`],
      multi: ['type = multiport_syslogtcp', `ports = ${multi}`],
      udp: ['type = syslogudp', `port = ${udp}`],
      tls: [
        'type = syslogtcp',
        `port = ${tls}`,
        'ssl = true',
        `keystore = ${keystore}`,
        'keystore-password = changeit',
      ],
    };
    const lines = [
      `a1.sources = ${sourceNames.join(' ')}`,
      `a1.channels = ${sourceNames.map((name) => `c-${name}`).join(' ')}`,
      `a1.sinks = ${sourceNames.map((name) => `k-${name}`).join(' ')}`,
    ];
    for (const name of sourceNames) {
      for (const line of own[name]) lines.push(`a1.sources.${name}.${line}`);
      lines.push(
        `a1.sources.${name}.host = 127.0.0.1`,
        `a1.sources.${name}.channels = c-${name}`,
        `a1.channels.c-${name}.type = memory`,
        `a1.channels.c-${name}.capacity = 10000`,
        `a1.sinks.k-${name}.type = file_roll`,
        `a1.sinks.k-${name}.channel = c-${name}`,
        `a1.sinks.k-${name}.sink.directory = ${flow.folder(name)}`,
        `a1.sinks.k-${name}.sink.rollInterval = 0`,
        `a1.sinks.k-${name}.sink.serializer = avro_event`,
      );
    }
    const agent = flow.startMillrace(flow.file('flow.properties', `${lines.join('\n')}\n`));
    await waitUntil('all sources listen', agent, () => agent.log().includes('"Running."'));
    return new Receiver(flow, agent, { tcp, multi, udp, tls });
  }

  /** Resolves to what the sources got, once all of it is there and the agent has stopped. */
  async events(expected: Partial<Record<SourceName, number>>): Promise<EventRecord[][]> {
    const names = sourceNames.filter((name) => expected[name] !== undefined);
    const deadline = performance.now() + deliveryMs;
    for (;;) {
      const found = await Promise.all(names.map((name) => recordsOf(this.flow.folder(name))));
      const counts = found.map(({ length }) => length);
      if (names.every((name, index) => (counts[index] ?? 0) >= (expected[name] ?? 0))) {
        assert.equal((await this.agent.stop()).code, 0);
        return found;
      }
      assert(performance.now() < deadline, `${names} have ${counts}: ${this.agent.log()}`);
      await sleep(50);
    }
  }
}

async function recordsOf(folder: string): Promise<EventRecord[]> {
  const records: EventRecord[] = [];
  for (const path of outputFiles(folder)) {
    for await (const value of avro.createFileDecoder(path)) {
      const { headers, body } = value as { headers: Record<string, string>; body: Buffer };
      records.push({ headers: { ...headers }, body: body.toString() });
    }
  }
  return records;
}

/** Each message is there once, in order, and its head was understood. */
function assertDelivered(events: readonly EventRecord[] | undefined, ways: number): void {
  assert(events);
  assert.deepEqual(
    events.filter(({ headers }) => headers['flume.syslog.status'] !== undefined),
    [],
  );
  for (const { headers } of events) {
    assert(headers['host'], JSON.stringify(headers));
    assert(Math.abs(Number(headers['timestamp']) - Date.now()) < 86_400_000);
    assert.equal(headers['Severity'], '5');
  }
  const numbers = events.map(({ body }) =>
    Number(/message (\d+) of many: größer$/.exec(body)?.[1]),
  );
  const expected = messages.flatMap((_, number) => new Array<number>(ways).fill(number));
  assert.deepEqual(
    numbers.toSorted((left, right) => left - right),
    expected,
  );
}

describe('logger of util-linux delivers', { skip: loggerMissing() }, () => {
  test('over UDP, TCP, and TCP with counted octets, in both formats', async (t) => {
    const receiver = await Receiver.start(t);
    const { tcp, multi, udp } = receiver.ports;
    const server = ['--server', '127.0.0.1', '--tag', 'app', '--id=12'];
    for (const format of ['--rfc3164', '--rfc5424']) {
      logWith([...server, '--udp', '--port', `${udp}`, format], messages);
      logWith([...server, '--tcp', '--port', `${tcp}`, format], messages);
      const octets = ['--tcp', '--octet-count', '--port', `${multi}`];
      logWith([...server, ...octets, format], messages);
    }
    const count = messageCount * 2;
    const found = await receiver.events({ tcp: count, multi: count, udp: count });
    for (const events of found) assertDelivered(events, 2);
  });
});

describe('rsyslog delivers', { skip: rsyslogMissing() || loggerMissing() }, () => {
  test('over UDP, TCP, TCP with counted octets, and TLS', async (t) => {
    const receiver = await Receiver.start(t);
    const { flow, ports } = receiver;
    const socket = `${flow.path}/rsyslog.sock`;
    const forward = (options: string) => `action(type="omfwd" target="127.0.0.1" ${options})`;
    const template = 'template="RSYSLOG_SyslogProtocol23Format"';
    const conf = flow.file(
      'rsyslog.conf',
      [
        `global(workDirectory="${flow.folder('rsyslog')}")`,
        'module(load="imuxsock" SysSock.Use="off")',
        `input(type="imuxsock" Socket="${socket}")`,
        'template(name="old" type="string" string="<%PRI%>%TIMESTAMP% %HOSTNAME% %syslogtag%%msg%")',
        forward(`port="${ports.udp}" protocol="udp" ${template}`),
        forward(`port="${ports.udp}" protocol="udp" template="old"`),
        forward(`port="${ports.tcp}" protocol="tcp" TCP_Framing="traditional" ${template}`),
        forward(`port="${ports.tcp}" protocol="tcp" TCP_Framing="octet-counted" template="old"`),
        forward(`port="${ports.multi}" protocol="tcp" TCP_Framing="traditional" template="old"`),
        forward(`port="${ports.multi}" protocol="tcp" TCP_Framing="octet-counted" ${template}`),
        forward(
          `port="${ports.tls}" protocol="tcp" StreamDriver="ossl" StreamDriverMode="1" ` +
            `StreamDriverAuthMode="anon" ${template}`,
        ),
      ].join('\n'),
    );
    const daemon = startRsyslog(conf, flow.folder('rsyslog'));
    flow.beforeRemoval(() => daemon.hasExited || daemon.kill());
    await waitUntil('rsyslogd listens', daemon, () => existsSync(socket));
    logWith(['--socket', socket, '--tag', 'app'], messages);
    const twice = messageCount * 2;
    const found = await receiver.events({
      tcp: twice,
      multi: twice,
      udp: twice,
      tls: messageCount,
    });
    for (const events of found.slice(0, 3)) assertDelivered(events, 2);
    assertDelivered(found[3], 1);
    await daemon.stop();
  });
});

describe('syslog-ng delivers', { skip: syslogNgMissing() || loggerMissing() }, () => {
  test('over UDP, TCP, TCP with counted octets, and TLS', async (t) => {
    const receiver = await Receiver.start(t);
    const { flow, ports } = receiver;
    const socket = `${flow.path}/syslog-ng.sock`;
    const conf = flow.file(
      'syslog-ng.conf',
      [
        '@version: 3.35',
        `source s { unix-dgram("${socket}"); };`,
        'destination d {',
        ...[
          `network("127.0.0.1" port(${ports.tcp}) transport("tcp")`,
          `syslog("127.0.0.1" port(${ports.tcp}) transport("tcp")`,
          `network("127.0.0.1" port(${ports.multi}) transport("tcp")`,
          `syslog("127.0.0.1" port(${ports.multi}) transport("tcp")`,
          `network("127.0.0.1" port(${ports.udp}) transport("udp")`,
          `syslog("127.0.0.1" port(${ports.udp}) transport("udp")`,
          `syslog("127.0.0.1" port(${ports.tls}) transport("tls") tls(peer-verify(no))`,
        ].map((driver, index) => `  ${driver} persist-name("d${index}"));`),
        '};',
        'log { source(s); destination(d); };',
        '',
      ].join('\n'),
    );
    const daemon = startSyslogNg(conf, flow.folder('syslog-ng'));
    flow.beforeRemoval(() => daemon.hasExited || daemon.kill());
    await waitUntil('syslog-ng listens', daemon, () => existsSync(socket));
    logWith(['--socket', socket, '--tag', 'app'], messages);
    const twice = messageCount * 2;
    const found = await receiver.events({
      tcp: twice,
      multi: twice,
      udp: twice,
      tls: messageCount,
    });
    for (const events of found.slice(0, 3)) assertDelivered(events, 2);
    assertDelivered(found[3], 1);
    await daemon.stop();
  });
});
