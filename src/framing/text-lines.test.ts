import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { Prng, seedFromEnvironment } from '../testing/prng.ts';
import type { OnBadBytes } from './charset.ts';
import { charsetNamed } from './charset.ts';
import { TextLines } from './text-lines.ts';

interface Found {
  readonly bodies: readonly string[];
  readonly ends: readonly number[];
  readonly badAt: number | undefined;
}

interface Options {
  readonly charset?: string;
  readonly maxUnits?: number;
  readonly onBadBytes?: OnBadBytes;
  readonly keepsBytes?: boolean;
  readonly chunkBytes?: number;
}

/** Reads a whole file as a source does: chunk by chunk, larger ones where no line ends. */
function read(file: Buffer, options: Options = {}): Found {
  const { maxUnits = 2048, onBadBytes = 'fail', keepsBytes = false } = options;
  const charset = charsetNamed(options.charset ?? 'UTF-8');
  assert(charset);
  const text = new TextLines({ charset, keepsBytes, onBadBytes, maxUnits }, file.subarray(0, 4));
  const bodies: string[] = [];
  const ends: number[] = [];
  const chunkBytes = options.chunkBytes ?? 64;
  for (let base = 0, want = chunkBytes; base < file.length; ) {
    const part = file.subarray(base, base + want);
    const final = base + part.length === file.length;
    const chunk = { slab: Buffer.from(part), length: part.length, base, final, expected: 4 };
    const { slab, lines, badAt } = text.find(chunk);
    for (let row = 0; row < lines.count; row++) {
      const body = slab.subarray(lines.starts[row], lines.ends[row]);
      bodies.push(body.toString(keepsBytes ? 'latin1' : 'utf8'));
      ends.push(lines.offsets[row] as number);
    }
    if (badAt !== undefined) return { bodies, ends, badAt };
    const end = lines.offsets[lines.count - 1];
    if (lines.count > 0 && end !== undefined) [base, want] = [end, chunkBytes];
    else want *= 2;
    assert(want < 1_000_000, 'nothing ends');
  }
  return { bodies, ends, badAt: undefined };
}

/** What Flume's LINE deserializer makes of the characters. */
function asFlume(text: string, maxUnits: number): string[] {
  const bodies: string[] = [];
  let body = '';
  let count = 0;
  const end = () => {
    bodies.push(body);
    body = '';
    count = 0;
  };
  for (const char of text) {
    // A pair of surrogates is not parted: it goes into the next event as a whole.
    if (count > 0 && count + char.length > maxUnits) end();
    count += char.length;
    if (char === '\n') end();
    else {
      body += char;
      if (count >= maxUnits) end();
    }
  }
  if (count > 0) end();
  return bodies;
}

test('lines end with LF alone, a CR stays, and the rest is a line', () => {
  const { bodies, ends } = read(Buffer.from('a\r\nb\n\nrest'));
  assert.deepEqual(bodies, ['a\r', 'b', '', 'rest']);
  assert.deepEqual(ends, [3, 5, 6, 10]);
});

test('a line is cut after so many characters, the newline counted', () => {
  const cut = (text: string) => read(Buffer.from(text), { maxUnits: 5 }).bodies;
  assert.deepEqual(cut('abcdefgh\r\nxy\nnoeol'), ['abcde', 'fgh\r', 'xy', 'noeol']);
  assert.deepEqual(cut('abcd\nx'), ['abcd', 'x']);
  assert.deepEqual(cut('abcde\nx'), ['abcde', '', 'x'], 'the newline is the rest');
  assert.deepEqual(cut('éééé\néééééé'), ['éééé', 'ééééé', 'é']);
  assert.deepEqual(cut('\u{1F600}\u{1F600}\u{1F600}\n'), ['\u{1F600}\u{1F600}', '\u{1F600}']);
});

test('bytes that are no character: the lines before, and where; or repaired', () => {
  const file = Buffer.concat([Buffer.from('ok\nb'), Buffer.from([0xff]), Buffer.from('d\nlast\n')]);
  assert.deepEqual(read(file), { bodies: ['ok'], ends: [3], badAt: 4 });
  const replaced = read(file, { onBadBytes: 'replace' });
  assert.deepEqual(replaced.bodies, ['ok', 'b\ufffdd', 'last']);
  assert.deepEqual(replaced.ends, [3, 7, 12]);
  assert.deepEqual(read(file, { onBadBytes: 'ignore' }).bodies, ['ok', 'bd', 'last']);
});

test('a mark says how UTF-16 is written, and is no text', () => {
  const little = Buffer.from('\ufeffé\nb', 'utf16le');
  const big = Buffer.from(little).swap16();
  for (const file of [little, big]) {
    assert.deepEqual(read(file, { charset: 'UTF-16' }).bodies, ['é', 'b']);
  }
  assert.deepEqual(read(big.subarray(2), { charset: 'UTF-16' }).bodies, ['é', 'b']);
  assert.deepEqual(read(little, { charset: 'UTF-16LE' }).bodies, ['\ufeffé', 'b']);
});

test('a newline byte within a character of UTF-16 ends nothing', () => {
  const file = Buffer.from('\u0a0a\u000a\u0a00x', 'utf16le');
  assert.deepEqual(read(file, { charset: 'UTF-16LE' }).bodies, ['\u0a0a', '\u0a00x']);
});

test('bodies can stay as they are', () => {
  const file = Buffer.from('a\xe9\nb\xff\n', 'latin1');
  const charset = 'ISO-8859-1';
  assert.deepEqual(read(file, { charset, keepsBytes: true }).bodies, ['aé', 'bÿ']);
  const bad = read(file, { charset: 'US-ASCII', keepsBytes: true });
  assert.deepEqual(bad, { bodies: [], ends: [], badAt: 0 });
});

test('what Java calls a charset is found by any of its names, if it can be decoded', () => {
  for (const [word, name] of [
    ['UTF8', 'utf-8'],
    ['ISO8859_15', 'iso-8859-15'],
    ['latin1', 'iso-8859-1'],
    ['Cp1252', 'windows-1252'],
    ['windows-31j', 'shift_jis'],
    ['GB2312', 'gbk'],
    ['UnicodeBig', 'utf-16'],
    ['KOI8_R', 'koi8-r'],
  ] as const) {
    assert.equal(charsetNamed(word)?.name, name, word);
  }
  for (const word of ['UTF-32', 'IBM037', 'nonsense', '', 'ISO-2022-KR', 'iso-8859-99']) {
    assert.equal(charsetNamed(word), undefined, word);
  }
});

const samples: Readonly<Record<string, readonly string[]>> = {
  'UTF-8': ['c3a9', 'e282ac', 'f09f9880', '0d'],
  'ISO-8859-1': ['e9', '80', 'ff'],
  'windows-1252': ['80', 'e9'],
  GBK: ['b0a1', 'd6d0', '8140'],
  GB18030: ['81308130', '9439fe32', 'd6d0'],
  Shift_JIS: ['82a0', '835c', 'b1', '5c'],
  'EUC-KR': ['b0a1', 'c7d1'],
  'UTF-16LE': ['e900', '0a0a', '3dd800de'],
  'UTF-16BE': ['00e9', '0a0a', 'd83dde00'],
};

test('in any charset and any pieces lines are what Flume makes of them', (context) => {
  const seed = seedFromEnvironment();
  context.diagnostic(`MILLRACE_SEED=${seed}`);
  const random = new Prng(seed);
  for (const [charset, hex] of Object.entries(samples)) {
    const wide = charset.startsWith('UTF-16');
    const ascii = ['a', 'b', '\n', '\n'].map((char) => {
      const bytes = Buffer.from(char, wide ? 'utf16le' : 'latin1');
      return charset === 'UTF-16BE' ? bytes.swap16() : bytes;
    });
    const atoms = [...ascii, ...hex.map((each) => Buffer.from(each, 'hex'))];
    for (let round = 0; round < 300; round++) {
      const parts = Array.from({ length: random.integer(60) }, () => random.pick(atoms));
      const file = Buffer.concat(parts);
      const maxUnits = random.pick([2, 3, 5, 8, 2048]);
      const chunkBytes = 2 * (1 + random.integer(20));
      const label = charset === 'ISO-8859-1' ? 'latin1' : charset;
      const text =
        label === 'latin1'
          ? file.toString('latin1')
          : new TextDecoder(label, { ignoreBOM: true }).decode(file);
      const { bodies, ends } = read(file, { charset, maxUnits, chunkBytes });
      const said = `${charset} ${maxUnits} ${chunkBytes} ${file.toString('hex')}`;
      // Of GB18030 a pair of surrogates may exceed the length by one.
      if (charset === 'GB18030') assert.equal(bodies.join(''), text.replaceAll('\n', ''), said);
      else assert.deepEqual(bodies, asFlume(text, maxUnits), said);
      if (file.length > 0) assert.equal(ends.at(-1), file.length, said);
    }
  }
});
