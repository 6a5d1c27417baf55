import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { exportEntry } from '../../../testbed/journal.ts';
import { FormatError } from '../../core/errors.ts';
import { Prng, seedFromEnvironment } from '../../testing/prng.ts';
import { ExportParser } from './export-parser.ts';

/** What is found in pieces of an export: per entry its wanted fields, and how it ended. */
function parse(pieces: readonly Buffer[], maxBytes = 20) {
  const entries: string[][] = [];
  let fields: string[] = [];
  const names = ['MESSAGE', '_PID', 'M'];
  const wanted = names.map((name) => ({ name, maxBytes }));
  const parser = new ExportParser(wanted, {
    field: (field, bytes, from, to, cut) => {
      fields.push(`${names[field]}=${bytes.toString('latin1', from, to)}${cut ? '…' : ''}`);
    },
    end: () => {
      entries.push(fields);
      fields = [];
    },
  });
  let failure: string | undefined;
  try {
    for (const piece of pieces) parser.push(Buffer.from(piece));
  } catch (error) {
    assert(error instanceof FormatError);
    failure = error.message;
  }
  return { entries, failure };
}

const entry = (fields: Readonly<Record<string, string | Buffer>>) => exportEntry(fields, 1);

function inPieces(bytes: Buffer, size: number): Buffer[] {
  const count = Math.ceil(bytes.length / size);
  return Array.from({ length: count }, (_, index) => {
    return bytes.subarray(index * size, (index + 1) * size);
  });
}

test('text and binary values arrive, of the fields that are wanted, in any pieces', () => {
  const bytes = Buffer.concat([
    entry({ MESSAGE: 'a=b', MESSAGE_ID: 'no', _PID: '1', M: '' }),
    entry({ OTHER: Buffer.from('MESSAGE=no\n\n'), MESSAGE: Buffer.from('x\n\ny') }),
    entry({ MESSAGE: Buffer.alloc(0) }),
    entry({}),
  ]);
  for (const size of [1, 2, 3, 7, 1_000]) {
    assert.deepEqual(parse(inPieces(bytes, size)), {
      entries: [['MESSAGE=a=b', '_PID=1', 'M='], ['MESSAGE=x\n\ny'], ['MESSAGE='], []],
      failure: undefined,
    });
  }
});

test('of a value that is longer than its limit the beginning is given', () => {
  const [fits, long] = ['12345678901234567890', '123456789012345678901'];
  const bytes = Buffer.concat([
    entry({ MESSAGE: fits, _PID: long, M: 'm' }),
    entry({ MESSAGE: Buffer.from(fits), _PID: Buffer.from(long), M: 'm' }),
  ]);
  const fields = [`MESSAGE=${fits}`, `_PID=${fits}…`, 'M=m'];
  for (const size of [1, 5, 1_000]) {
    assert.deepEqual(parse(inPieces(bytes, size)).entries, [fields, fields]);
  }
});

test('an entry that is not whole is not given', () => {
  const bytes = entry({ MESSAGE: 'm' });
  assert.deepEqual(parse([bytes.subarray(0, -1)]).entries, []);
});

test('what breaks the grammar is said, with its place, after what came before', () => {
  const good = entry({ MESSAGE: 'm' });
  const size = (bytes: bigint) => {
    const buffer = Buffer.alloc(8);
    buffer.writeBigUInt64LE(bytes);
    return buffer;
  };
  for (const [bad, failure] of [
    [Buffer.from('x'.repeat(65)), `a field without a name, at byte ${good.length}`],
    [
      Buffer.concat([Buffer.from('M\n'), size(1n), Buffer.from('ab')]),
      `a value without its end, at byte ${good.length + 11}`,
    ],
    [
      Buffer.concat([Buffer.from('M\n'), size(1n << 40n)]),
      `a value of 1099511627776 bytes, at byte ${good.length + 2}`,
    ],
  ] as const) {
    for (const pieceBytes of [1, 4, 1_000]) {
      const found = parse(inPieces(Buffer.concat([good, bad]), pieceBytes));
      assert.deepEqual(found, { entries: [['MESSAGE=m']], failure });
    }
  }
});

test('any bytes in any pieces give the same', (t) => {
  const seed = seedFromEnvironment();
  t.diagnostic(`MILLRACE_SEED=${seed}`);
  const random = new Prng(seed);
  const tokens = [
    'MESSAGE',
    '_PID',
    'M',
    '=',
    '\n',
    '\n\n',
    'x'.repeat(15),
    '\x03',
    '\0\0\0\0\0\0\0',
  ];
  for (let round = 0; round < 1_000; round++) {
    const words = Array.from({ length: random.integer(30) }, () => random.pick(tokens));
    const bytes = Buffer.from(words.join(''), 'latin1');
    const pieces: Buffer[] = [];
    for (let at = 0; at < bytes.length; ) {
      const to = at + random.integer(12);
      pieces.push(bytes.subarray(at, to));
      at = to;
    }
    assert.deepEqual(parse(pieces), parse([bytes]), JSON.stringify(words));
  }
});

test('a large value that comes in small pieces takes time in proportion', () => {
  const value = Buffer.alloc(8_000_000, 'x');
  const bytes = Buffer.concat([
    entry({ MESSAGE: value.toString() }),
    entry({ MESSAGE: value }),
    entry({ OTHER: value.toString() }),
    entry({ OTHER: value }),
  ]);
  const began = performance.now();
  const found = parse(inPieces(bytes, 16_384), 10_000_000);
  assert.deepEqual(
    found.entries.map((fields) => fields.map((field) => field.length)),
    [[8_000_008], [8_000_008], [], []],
  );
  assert(performance.now() - began < 5_000);
});
