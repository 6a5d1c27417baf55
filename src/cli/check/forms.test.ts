import assert from 'node:assert/strict';
import { test } from 'node:test';
import { finding } from '../../config/finding.ts';
import { loadConfiguration } from '../../config/load.ts';
import { type Planned, planAgent } from '../../config/plan.ts';
import { resolver } from '../../registry.ts';
import { graphMermaid, graphText } from './graph.ts';
import { checkJson } from './json.ts';
import { checkSarif } from './sarif.ts';
import { SourceLines, widthOf } from './source-lines.ts';
import { agentText, findingText } from './text.ts';

const lines = `a.sources = r s
a.channels = c d
a.sinks = k
a.sources.r.type = seq
a.sources.r.channels = c d
a.sources.r.interceptors = i
a.sources.r.interceptors.i.type = host
a.sources.s.type = com.example.Mine
a.sources.s.channels = c
a.channels.c.type = memory
a.channels.d.type = file
a.sinks.k.type = logger
a.sinks.k.channel = c
`;

async function checked(text: string): Promise<{ planned: Planned; source: SourceLines }> {
  const bytes = Buffer.from(text, 'utf8');
  const context = {
    environment: {},
    systemProperties: new Map<string, string>(),
    now: new Date(0),
  };
  const configuration = loadConfiguration([{ file: 'x y.conf', bytes }], context);
  const planned = await planAgent(configuration, 'a', resolver('/nowhere'));
  return { planned, source: new SourceLines(new Map([['x y.conf', bytes]])) };
}

test('the graph draws every component, and says what is left out', async () => {
  const { planned } = await checked(lines);
  assert.equal(
    graphText(planned),
    `a
  r (seq) [host]
  ├─▶ c (memory)
  │   └─▶ k (logger)
  └─▶ d (file)
      └─▶ (no sink)
  s (Mine)  ✗ this source is left out
  └─▶ c, as above
`,
  );
});

test('a channel or sink that nothing leads to is drawn, too', async () => {
  const { planned } = await checked(lines.replace('k.channel = c', 'k.channel = x'));
  const more = await checked(lines.replaceAll('channels = c', 'channels = e'));
  assert.match(graphText(planned), / {2}\(no channel\)\n {2}└─▶ k \(logger\) {2}✗/);
  assert.match(graphText(more.planned), /e \(undefined\) {2}✗/);
});

test('the chart is Mermaid, with names that cannot break it', async () => {
  const { planned } = await checked(lines.replaceAll(/\br\b/g, 'r"]'));
  const chart = graphMermaid([planned]);
  assert.match(chart, /^flowchart LR\n {2}subgraph a0\["a"\]\n/);
  assert.match(chart, /a0_source_r__\[\/"r#34;#93;<br>seq"\/\]\n/);
  assert.match(chart, /a0_channel_c --> a0_sink_k\n/);
  assert.match(chart, /a0_source_s\[\/"s<br>Mine"\/\]:::out\n/);
  for (const line of chart.trim().split('\n').slice(1)) assert.match(line, /^ {2}/);
});

test('JSON has agents, paths and findings, with columns in UTF-16', async () => {
  const { planned, source } = await checked(`${lines}a.sinks.k.pâth = 1\n`);
  const report = JSON.parse(checkJson(['x y.conf'], [planned], planned.findings, source));
  assert.equal(report.format, 1);
  assert.deepEqual(report.agents[0].sources, ['r']);
  assert.equal(report.agents[0].paths[0].level, 'may lose');
  const unknown = report.findings.find((each: { code: string }) => each.code === 'unknown-key');
  assert.equal(unknown.line, 14);
  assert.deepEqual([unknown.column, unknown.endColumn], [11, 15]);
  assert.equal(unknown.key, 'a.sinks.k.pâth');
});

test('SARIF has a rule for each code and a region for each line', async () => {
  const { planned, source } = await checked(lines);
  const log = JSON.parse(checkSarif(['x y.conf'], planned.findings, source, '1.2.3'));
  assert.equal(log.version, '2.1.0');
  const [run] = log.runs;
  assert.equal(run.tool.driver.semanticVersion, '1.2.3');
  for (const { ruleId, ruleIndex, level, message, locations } of run.results) {
    assert.equal(run.tool.driver.rules[ruleIndex].id, ruleId);
    assert.ok(['error', 'warning', 'note'].includes(level));
    assert.ok(message.text.length > 0);
    const { artifactLocation, region } = locations[0].physicalLocation;
    assert.equal(artifactLocation.uri, 'x%20y.conf');
    assert.ok(region.endColumn > region.startColumn);
  }
});

test('SARIF has a location for every finding, by a path as short as it gets', () => {
  const text = { what: 'Nothing.', consequence: 'It stays.', suggestion: 'Write {x} or [a](b).' };
  const nowhere = finding('error', 'unknown-agent', {}, text);
  const there = finding('note', 'unresolved', { file: './conf/../a:b.conf', line: 3 }, text);
  const log = JSON.parse(
    checkSarif(['x.conf'], [nowhere, there], new SourceLines(new Map()), '1.0.0'),
  );
  const [run] = log.runs;
  const places = run.results.map((each: { locations: object[] }) => each.locations);
  assert.deepEqual(places, [
    [{ physicalLocation: { artifactLocation: { uri: 'x.conf' } } }],
    [{ physicalLocation: { artifactLocation: { uri: 'a%3Ab.conf' }, region: { startLine: 3 } } }],
  ]);
  assert.equal(run.results[0].message.text, 'Nothing. It stays. Write {{x}} or \\[a\\](b).');
  assert.match(run.tool.driver.rules[1].shortDescription.text, /\$\{\{…\}\}/);
});

test('of a long line a part is shown, and wide letters are two columns', async () => {
  const long = `${lines}a.sinks.k.${'x'.repeat(200)} = 1\na.sinks.k.入门y = 1\n`;
  const { planned, source } = await checked(long);
  const unknown = planned.findings.filter(({ code }) => code === 'unknown-key');
  const [first, second] = unknown.map((each) => findingText(each, source).split('\n'));
  assert.ok((first?.[1] ?? '').length < 140 && first?.[1]?.endsWith('…'));
  assert.match(second?.[2] ?? '', / \^{5}$/);
  assert.equal(widthOf('a入'), 3);
});

test('an agent that runs is shown with its promises', async () => {
  const { planned } = await checked(lines);
  const text = agentText(planned);
  assert.match(text, /^a: 1 source, 2 channels, 1 sink would run\.\n/);
  assert.match(text, /r → c → k: may lose\. A crash loses what c holds at that moment\.\n/);
  assert.match(text, /Better .*\n {14}a\.channels\.c\.type = file\n/);
  assert.match(text, /r → d: no sink\. /);
});
