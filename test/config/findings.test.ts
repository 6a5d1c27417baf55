import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { checkCommand } from '../../src/cli/check.ts';
import { findingCodes } from '../../src/config/finding-codes.ts';

/*
 * A configuration for every finding, beside what check says of it. Each file is named after its
 * finding; a first line `# check …` has further arguments. MILLRACE_UPDATE=1 writes the texts anew.
 */

const folder = join(import.meta.dirname, 'findings');
const update = process.env['MILLRACE_UPDATE'] !== undefined;
const files = readdirSync(folder).filter((name) => name.endsWith('.properties'));

async function checked(file: string): Promise<string> {
  const [, args = ''] = /^# check (.*)/.exec(readFileSync(file, 'utf8')) ?? [];
  const printed: string[] = [];
  const { log } = console;
  console.log = (text: string) => printed.push(text);
  try {
    const code = await checkCommand.run([...args.split(' ').filter(Boolean), file]);
    return `${printed.join('\n')}\nexit code ${code}\n`;
  } finally {
    console.log = log;
  }
}

describe('check', () => {
  process.chdir(folder);
  for (const file of files) {
    const code = file.replace('.properties', '');
    const expected = `${code}.txt`;
    test(`says ${code}, in the words that are written down`, async () => {
      const text = await checked(file);
      if (update) writeFileSync(expected, text);
      assert.equal(text, existsSync(expected) ? readFileSync(expected, 'utf8') : '');
      assert.match(text, new RegExp(`^${file}(:\\d+:\\d+)?: \\w+: .* \\[${code}\\]$`, 'm'));
    });
  }

  test('has a configuration for every finding', () => {
    const shown = files.map((file) => file.replace('.properties', ''));
    assert.deepEqual(shown.sort(), Object.keys(findingCodes).sort());
  });
});
