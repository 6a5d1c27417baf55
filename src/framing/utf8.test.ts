import { strict as assert } from 'node:assert';
import { isUtf8 } from 'node:buffer';
import { test } from 'node:test';
import { Prng, seedFromEnvironment } from '../testing/prng.ts';
import { copyWellFormed, endOfUnits, malformedAt } from './utf8.ts';

function repaired(bytes: Buffer, replaces = true): Buffer {
  const out = Buffer.alloc(bytes.length * 3 + 2, '?');
  const end = copyWellFormed(bytes, 0, bytes.length, replaces, out, 1);
  return out.subarray(1, end);
}

test('malformed bytes become one U+FFFD for each stretch, or nothing', () => {
  const bad = '\ufffd';
  for (const [hex, text] of [
    ['61ff62', `a${bad}b`],
    ['c3', bad],
    ['c328', `${bad}(`],
    ['e2820a', `${bad}\n`],
    ['f09f98', bad],
    ['f0808080', `${bad}${bad}${bad}${bad}`],
    ['eda080', bad],
    ['c0af', `${bad}${bad}`],
    ['f5', bad],
    ['f09f9880', '\u{1F600}'],
  ] as const) {
    const bytes = Buffer.from(hex, 'hex');
    assert.equal(repaired(bytes).toString(), text, hex);
    assert.equal(repaired(bytes, false).toString(), text.replaceAll(bad, ''), hex);
  }
});

test('any bytes are repaired as a decoder does it, but for encoded surrogates', (context) => {
  const seed = seedFromEnvironment();
  context.diagnostic(`MILLRACE_SEED=${seed}`);
  const random = new Prng(seed);
  const choice = [0x41, 0x80, 0xbf, 0xc2, 0xe0, 0xe2, 0xec, 0xf0, 0xf4, 0x90, 0xff, 0x0a];
  for (let round = 0; round < 2_000; round++) {
    const bytes = Buffer.from(
      Array.from({ length: random.integer(12) }, () => random.pick(choice)),
    );
    const decoded = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
    assert.equal(repaired(bytes).toString(), decoded, bytes.toString('hex'));
    assert.equal(malformedAt(bytes, 0, bytes.length) === undefined, isUtf8(bytes));
  }
});

test('units are those of UTF-16, and a pair of them is not parted', () => {
  const bytes = Buffer.from('aé€\u{1F600}b');
  const ends = Array.from({ length: 8 }, (_, units) => {
    return endOfUnits(bytes, 0, bytes.length, units + 1, 1);
  });
  assert.deepEqual(ends, [1, 3, 6, 6, 10, 11, undefined, undefined]);
  assert.equal(endOfUnits(bytes, 6, bytes.length, 1, 1), 10);
});

test('a malformed stretch counts for one unit, or for none', () => {
  const bytes = Buffer.from('61ff62', 'hex');
  assert.equal(endOfUnits(bytes, 0, 3, 2, 1), 2);
  assert.equal(endOfUnits(bytes, 0, 3, 2, 0), 3);
});
