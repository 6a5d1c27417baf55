import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { SourceLines } from '../../src/cli/check/source-lines.ts';
import { agentText, findingText } from '../../src/cli/check/text.ts';
import { settleFindings } from '../../src/config/finding.ts';
import { loadConfiguration } from '../../src/config/load.ts';
import { type Planned, planAgent } from '../../src/config/plan.ts';
import { resolver } from '../../src/registry.ts';
import { repositoryRoot } from '../../testbed/millrace.ts';

/* Real configurations of Flume, from public repositories: each can be checked. */

const corpus = process.env['MILLRACE_CORPUS'] ?? join(repositoryRoot, '../shared/corpus');
const folder = join(corpus, 'flume-conf');
const skip = !existsSync(folder) && `no configurations at ${folder}`;
const files = skip ? [] : readdirSync(folder);
const context = { environment: {}, systemProperties: new Map<string, string>(), now: new Date(0) };

async function checked(bytes: Buffer) {
  const configuration = loadConfiguration([{ file: 'x.conf', bytes }], context);
  const planned: Planned[] = [];
  for (const name of configuration.agents.keys()) {
    planned.push(await planAgent(configuration, name, resolver(folder)));
  }
  const all = [...configuration.findings, ...planned.flatMap(({ findings }) => findings)];
  return { planned, findings: settleFindings([...new Set(all)]) };
}

describe('a configuration of the corpus', { skip }, () => {
  for (const file of files) {
    test(`${file} is checked, and each finding says where, what, and what to do`, async () => {
      const bytes = readFileSync(join(folder, file));
      const { planned, findings } = await checked(bytes);
      const lines = new SourceLines(new Map([['x.conf', bytes]]));
      for (const found of findings) {
        const mark = lines.mark(found);
        assert.ok(mark && mark.end > mark.start && mark.end <= mark.text.length, found.code);
        assert.match(found.what, /^.+[.…]$/su);
        assert.match(found.suggestion, /[.?:…]$|= \S+$/u, found.suggestion);
        const text = findingText(found, lines);
        assert.doesNotMatch(text, /undefined|\[object/);
        assert.ok(text.split('\n').length < 14, text);
      }
      for (const each of planned) agentText(each);
    });
  }

  test('is not the only one: there are 160', () => {
    assert.equal(files.length, 160);
  });
});
