// biome-ignore-all lint/suspicious/noTemplateCurlyInString: that is the syntax under test.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FormatError } from '../core/errors.ts';
import { seedFromEnvironment } from '../testing/prng.ts';
import { renderFinding } from './finding.ts';
import { base, outcome, plan } from './plan/fake-components.ts';

test('a sound configuration becomes a plan without findings', async () => {
  const planned = await plan(base);
  assert.deepEqual(outcome(planned), { left: 'r|c|k', runnable: true, findings: [] });
  const [source] = planned.plan.sources;
  assert.deepEqual(source?.channels, ['c']);
  assert.equal(source?.selector.definition.type, 'replicating');
  assert.deepEqual(source?.config, {
    file: '/x',
    batchSize: 100,
    backoffSleepIncrement: 1000,
    maxBackoffSleep: 5000,
    headers: new Map(),
  });
  assert.equal(planned.plan.sinks[0]?.channel, 'c');
});

test('the sleeps of a pull source are numbers of its plan', async () => {
  const planned = await plan(`${base}a.sources.r.backoffSleepIncrement = 7\n`);
  assert.deepEqual(planned.findings, []);
  assert.equal(planned.plan.sources[0]?.backoffSleepIncrement, 7);
  assert.equal(planned.plan.sources[0]?.maxBackoffSleep, 5000);
});

test('keys of sleeps are unknown to a source that does not declare them', async () => {
  const port = base.replace('= tail', '= port').replace('r.file = /x', 'r.port = 1');
  const planned = await plan(`${port}a.sources.r.maxBackoffSleep = 7\n`);
  assert.deepEqual(outcome(planned).findings, ['note lost-at-crash 4', 'warning unknown-key 10']);
  assert.equal(planned.plan.sources[0]?.maxBackoffSleep, 5000);
});

test('interceptors come in the order of their list, with keys relative to them', async () => {
  const planned = await plan(`${base}a.sources.r.interceptors = j i
a.sources.r.interceptors.i.type = static
a.sources.r.interceptors.i.key = x
a.sources.r.interceptors.j.type = STATIC`);
  assert.deepEqual(planned.findings, []);
  const interceptors = planned.plan.sources[0]?.interceptors.map(({ name, config }) => [
    name,
    config,
  ]);
  assert.deepEqual(interceptors, [
    ['j', { key: 'key' }],
    ['i', { key: 'x' }],
  ]);
});

test('the entries of a map keep their dots', async () => {
  const planned = await plan(`${base}a.sources.r.headers.f.x.y = 1`);
  assert.deepEqual(planned.plan.sources[0]?.config['headers'], new Map([['f.x.y', '1']]));
  assert.deepEqual(planned.findings, []);
});

test('an agent that is not in the file is an error that names those that are', async () => {
  const planned = await plan(base, 'b');
  assert.equal(planned.runnable, false);
  assert.match(
    renderFinding(planned.findings[0] ?? assert.fail()),
    /^x.conf: error: .*named b .*-n a\?/,
  );
});

test('sinks alone behind memory are nothing that runs', async () => {
  const planned = await plan(base.replace('= tail', '= nothing'));
  assert.equal(planned.runnable, false);
});

test('a misspelt word is told with what was probably meant', async () => {
  const lines: readonly [string, RegExp][] = [
    [`${base}a.sources.r.batchsize = 1`, /Did you mean batchSize\?/],
    [base.replace('= null', '= nulll'), /Did you mean null\?/],
    [base.replace('r.channels = c', 'r.channel = c'), /write channels, with s/],
    [base.replace('k.channel = c', 'k.channels = c'), /write channel, without s/],
    [base.replace('= c\na.sinks', '= c,d\na.sinks'), /not by commas/],
    [`${base}b.sources.r.type = tail`, /Did you mean the agent a\?/],
  ];
  for (const [text, expected] of lines) {
    const { findings } = await plan(text);
    assert.ok(
      findings.some((each) => expected.test(renderFinding(each))),
      String(expected),
    );
  }
});

test('secret values are never in a finding', async () => {
  const { findings } = await plan(
    `${base}a.sinks.k.pin = hunter2\na.sinks.k.password = hunter2 # x`,
  );
  assert.ok(findings.length > 0);
  for (const each of findings) assert.doesNotMatch(JSON.stringify(each), /hunter2/);
});

test('a value of a choice counts in any case', async () => {
  const { plan: planned, findings } = await plan(`${base}a.sinks.k.mode = SLOW`);
  assert.equal(planned.sinks[0]?.config['mode'], 'slow');
  assert.deepEqual(findings, []);
});

test('UTF-8 in values is one warning for a file, with the escapes to write', async () => {
  const lines = Buffer.from(`${base.replace('/x', '/é')}a.sources.r.headers.f.x = é\n`, 'utf8');
  const { findings } = await plan(lines.toString('latin1'));
  assert.deepEqual(
    findings.map(({ code }) => code),
    ['not-latin'],
  );
  assert.match(findings[0]?.suggestion ?? '', /\/\\u00e9/);
});

test('a tail that is run as a command is told what taildir would do', async () => {
  const exec = base.replace('= tail', '= exec').replace('r.file = /x', 'r.command = COMMAND');
  const advised: readonly [command: string, pattern: string | undefined][] = [
    ['tail -F /var/log/app.log', '/var/log/app\\\\.log'],
    ['/usr/bin/tail -n 0 -f /x', '/x'],
    ['tail -f /x | grep y', undefined],
    ['tail -n 7 /x', undefined],
    ['cat /x', undefined],
  ];
  for (const [command, pattern] of advised) {
    const { findings } = await plan(exec.replace('COMMAND', command));
    const lines = findings.find(({ code }) => code === 'tail-by-exec')?.lines;
    assert.equal(lines?.at(-1)?.split('filegroups.f1 = ')[1], pattern, command);
  }
});

const whole = `${base}a.sources.r.interceptors = i
a.sources.r.interceptors.i.type = static
a.sources.r.selector.type = multiplexing
a.sources.r.selector.mapping.x = c
a.configfilters = f
a.configfilters.f.type = env
a.sinkgroups = g
a.sinkgroups.g.sinks = k
a.sinkgroups.g.processor.type = failover
`;

test('a mutated file gives a plan and findings, or a FormatError', async () => {
  const seed = seedFromEnvironment() | 0;
  const words = [
    '=',
    '\\',
    '\n',
    '.',
    ' ',
    '#',
    '${a}',
    "${f['x']}",
    '__proto__',
    'constructor',
    '\\u0',
  ];
  const mutation = fc.record({
    at: fc.nat(whole.length),
    remove: fc.nat(12),
    insert: fc.oneof(fc.constantFrom(...words), fc.string({ unit: 'binary', maxLength: 3 })),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(mutation, { minLength: 1, maxLength: 8 }), async (mutations) => {
      let lines = whole;
      for (const { at, remove, insert } of mutations) {
        lines = lines.slice(0, at) + insert + lines.slice(at + remove);
      }
      try {
        const { plan: made, findings } = await plan(lines);
        for (const each of findings) assert.doesNotMatch(renderFinding(each), /\n|undefined/);
        for (const { channels } of made.sources) assert.ok(channels.length > 0);
        const names = made.channels.map(({ name }) => name);
        for (const { channel } of made.sinks) assert.ok(names.includes(channel));
      } catch (error) {
        if (!(error instanceof FormatError)) throw error;
      }
    }),
    { seed, numRuns: 300 },
  );
});
