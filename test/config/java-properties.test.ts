// biome-ignore-all lint/suspicious/noTemplateCurlyInString: that is the syntax under test.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { mergeProperties, parseProperties } from '../../src/config/properties.ts';
import { FormatError } from '../../src/core/errors.ts';
import { Prng, seedFromEnvironment } from '../../src/testing/prng.ts';

/* Our reading of .properties files, beside that of java.util.Properties. */

const count = Number(process.env['MILLRACE_PROPERTIES'] ?? 100_000);
const hasJava = spawnSync('java', ['-version'], { stdio: 'ignore' }).status === 0;

/** What the format is made of, and what it is not. */
const atoms = [
  ...['a', 'b.c', '=', ':', ' ', '\t', '\f', '\\', '\\', '\n', '\r', '\r\n', '#', '!', '.'],
  ...[
    '\\u0041',
    '\\u00',
    '\\ud83d',
    '\\t',
    '\\n',
    '\\=',
    '\\:',
    '\\#',
    '\\ ',
    '\\\\',
    '\\\n',
    '\\\r\n',
  ],
  ...[
    'a1.sources = r1',
    '\n# comment \\\n',
    '  \\\n  ',
    '\u00e9',
    '\u0080',
    '\0',
    '"',
    '${x}',
    'ÿ',
  ],
];

/** Most are short; some are longer than what Java reads at once. */
function randomInput(random: Prng): Buffer {
  const length = random.integer(random.chance(0.002) ? 9000 : 24);
  const parts = Array.from({ length }, () =>
    random.chance(0.1) ? String.fromCharCode(random.integer(256)) : random.pick(atoms),
  );
  return Buffer.from(parts.join(''), 'latin1');
}

type Pairs = readonly (readonly [key: string, value: string])[] | undefined;

/** By the order of UTF-16 units, as Java sorts; undefined when the file is refused. */
function ours(input: Buffer): Pairs {
  try {
    const { properties } = mergeProperties([parseProperties(input, 'x')]);
    const pairs = [...properties.values()].map(({ key, value }) => [key, value] as const);
    return pairs.sort(([a], [b]) => (a < b ? -1 : 1));
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

function* javas(output: Buffer): Generator<Pairs> {
  let position = 0;
  const word = () => {
    position += 4;
    return output.readInt32BE(position - 4);
  };
  const text = () => {
    const length = word();
    position += length;
    const bytes = Buffer.from(output.subarray(position - length, position));
    return bytes.swap16().toString('utf16le');
  };
  while (position < output.length) {
    const pairs = word();
    yield pairs < 0 ? undefined : Array.from({ length: pairs }, () => [text(), text()] as const);
  }
}

const skip = !hasJava && 'needs a JDK';

test(`${count} random files are read as Java reads them`, { skip }, () => {
  const seed = seedFromEnvironment();
  const random = new Prng(seed);
  const inputs = Array.from({ length: count }, () => randomInput(random));
  const framed = inputs.flatMap((input) => {
    const length = Buffer.alloc(4);
    length.writeInt32BE(input.length);
    return [length, input];
  });
  const program = join(import.meta.dirname, 'ReadProperties.java');
  const { stdout, status, stderr } = spawnSync('java', ['-Xmx256m', program], {
    input: Buffer.concat(framed),
    maxBuffer: 1 << 28,
    timeout: 120_000,
  });
  assert.equal(status, 0, stderr.toString());
  const answers = [...javas(stdout)];
  assert.equal(answers.length, inputs.length);
  let refused = 0;
  for (const [index, input] of inputs.entries()) {
    const expected = answers[index];
    if (!expected) refused++;
    assert.deepEqual(
      ours(input),
      expected,
      `seed ${seed}: ${JSON.stringify(input.toString('latin1'))}`,
    );
  }
  // Neither answer is the only one.
  assert.ok(refused > count / 1000 && refused < count / 2, `${refused} refused`);
});
