// biome-ignore-all lint/suspicious/noTemplateCurlyInString: that is the syntax under test.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applyConfigFilters, type FilterContext } from './config-filters.ts';
import { loadConfiguration } from './load.ts';

const outside: FilterContext = {
  environment: { PASSWORD: 'p1' },
  run: async (program, args) => {
    if (args.includes('bad')) throw new Error('exit code 3');
    return args.includes('empty') ? '' : `${[program, ...args].join(' ')}\nsecond line\n`;
  },
};

async function filtered(lines: string, context: FilterContext = outside) {
  const bytes = Buffer.from(`a.channels=c\n${lines}`, 'latin1');
  const lookups = {
    environment: {},
    systemProperties: new Map<string, string>(),
    now: new Date(0),
  };
  const agent = loadConfiguration([{ file: 'x.conf', bytes }], lookups).agents.get('a');
  assert.ok(agent);
  const { agent: changed, findings } = await applyConfigFilters(agent, context);
  const value = changed.components.channels.get('c')?.properties.get('k')?.value;
  return { value, findings, agent: changed };
}

const env = 'a.configfilters=f\na.configfilters.f.type=env\n';
const external =
  'a.configfilters=f\na.configfilters.f.type=EXTERNAL\na.configfilters.f.command=say -x\n';

test('the env filter answers from the environment, with any of the three spellings', async () => {
  for (const key of ['PASSWORD', "'PASSWORD'", '"PASSWORD"']) {
    const { value, findings } = await filtered(`${env}a.channels.c.k=<\${f[${key}]}>`);
    assert.equal(value, '<p1>');
    assert.deepEqual(findings, []);
  }
});

test('what no filter knows stays in place', async () => {
  const { value } = await filtered(`${env}a.channels.c.k=\${f['NO']} \${g['PASSWORD']}`);
  assert.equal(value, "${f['NO']} ${g['PASSWORD']}");
});

test('the external filter gives the first line of what its program prints', async () => {
  const { value } = await filtered(`${external}a.channels.c.k=\${f['key']}`);
  assert.equal(value, 'say -x key');
});

test('a program that fails leaves the placeholder, and is a finding', async () => {
  const { value, findings } = await filtered(`${external}a.channels.c.k=\${f['bad']}`);
  assert.equal(value, "${f['bad']}");
  assert.match(findings[0]?.what ?? '', /filter f failed for bad: exit code 3/);
});

test('filters touch neither lists nor their own lines', async () => {
  const { agent } = await filtered(`${env}a.sinks=\${f['PASSWORD']}`);
  assert.equal(agent.lists.get('sinks')?.value, "${f['PASSWORD']}");
});

test('a filter that cannot be made is left out and named', async () => {
  const types = [
    'hadoop',
    'org.apache.flume.configfilter.HadoopCredentialStoreConfigFilter',
    'env2',
  ];
  for (const type of types) {
    const { findings, value } = await filtered(
      `a.configfilters=f\na.configfilters.f.type=${type}\na.channels.c.k=\${f['PASSWORD']}`,
    );
    assert.equal(findings.length, 1, type);
    assert.equal(findings[0]?.code, 'config-filter');
    assert.equal(value, "${f['PASSWORD']}");
  }
});
