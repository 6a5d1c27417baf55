import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exampleAgent } from '../config/example-agent.ts';
import { loadConfiguration } from '../config/load.ts';
import { planAgent } from '../config/plan.ts';
import { allDefinitions, resolver } from '../registry.ts';
import { explainCommand } from './explain.ts';

const definitions = await allDefinitions();

async function explained(...args: string[]): Promise<{ out: string; err: string; code: number }> {
  const out: string[] = [];
  const err: string[] = [];
  const { log, error } = console;
  console.log = (text: string) => out.push(text);
  console.error = (text: string) => err.push(text);
  try {
    const code = await explainCommand.run(args);
    return { out: out.join('\n'), err: err.join('\n'), code };
  } finally {
    Object.assign(console, { log, error });
  }
}

test('without a type everything is listed by kind, and what only Flume has', async () => {
  const { out, code } = await explained();
  assert.equal(code, 0);
  assert.match(out, /^sources\n {2}taildir {2,}\S/);
  assert.match(out, /\nsinks\n(.*\n)+? {2}Flume only: .*\bhbase2\b/);
  assert.match(out, /\ndeserializers\n {2}LINE, AVRO/);
});

test('a component has its required options first, and a whole agent as example', async () => {
  const { out } = await explained('file_roll');
  const required = out.indexOf('\nRequired\n  sink.directory  (text; required)');
  assert.ok(required > 0 && required < out.indexOf('\nFiles\n'));
  assert.match(out, /sink\.rollInterval {2}\(integer; default 30; s\)/);
  assert.match(out, /\nExample\n {2}a1\.sources = r1\n/);
});

test('what only Flume has is described, with what to use instead', async () => {
  const { out, code } = await explained('hbase2');
  assert.equal(code, 0);
  assert.match(out, /Not in Millrace\. HBase needs a Java client/);
  assert.match(out, /\n {2}columnFamily {2}\(text; required\)/);
  assert.match((await explained('KafkaSource')).out, /^org\.apache\.flume\.source\.kafka/);
  assert.match((await explained('sink-group')).out, /^sink group \(sink group\)/);
});

const keys: readonly [args: readonly string[], expected: RegExp][] = [
  [['a1.sinks.k1.sink.rollInterval'], /^file_roll \(sink\)\n {2}sink\.rollInterval {2}\(integer/],
  [['a1.sources.r1.interceptors.i1.useIP'], /^host \(interceptor\)\n {2}useIP/],
  [['a1.sources.r1.headers.app.service'], /^taildir \(source\)\n {2}headers\.\*/],
  [['a1.sinkgroups.g1.processor.maxpenalty'], /^failover \(sink processor\)\n/],
  [['hdfs.rollCount'], /^hdfs \(sink\)\n {2}hdfs\.rollCount {2}\(.*; default 10; events\)/],
  [['memory', 'CAPACITY'], /^memory \(channel\)\n {2}capacity/],
  [['source', 'exec', 'command'], /^exec \(source\)\n {2}command/],
];

for (const [args, expected] of keys) {
  test(`explain ${args.join(' ')} gives the option`, async () => {
    const { out, code } = await explained(...args);
    assert.match(out, expected);
    assert.equal(code, 0);
  });
}

test('what there is not is told with what was probably meant', async () => {
  const component = await explained('tialdir');
  assert.equal(component.code, 1);
  assert.match(component.err, /did you mean taildir\?/);
  const option = await explained('memory', 'capcity');
  assert.equal(option.code, 1);
  assert.match(option.err, /memory has no option capcity; did you mean capacity\?/);
});

for (const definition of definitions.filter(({ example }) => example !== undefined)) {
  const { kind, type } = definition;
  test(`the example of ${kind} ${type} is an agent that would run, without a finding`, async () => {
    const text = exampleAgent(definition) ?? assert.fail();
    const context = {
      environment: { KEYSTORE_PASSWORD: 'x' },
      systemProperties: new Map<string, string>(),
      now: new Date(0),
    };
    const files = [{ file: 'x.conf', bytes: Buffer.from(text) }];
    const planned = await planAgent(loadConfiguration(files, context), 'a1', resolver('/'));
    const { plan, findings } = planned;
    assert.deepEqual(
      findings.filter(({ severity }) => severity !== 'note'),
      [],
    );
    assert.ok(plan.sources.length > 0 && plan.channels.length > 0 && plan.sinks.length > 0);
  });
}
