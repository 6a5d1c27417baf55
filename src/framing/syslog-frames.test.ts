import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Prng, seedFromEnvironment } from '../testing/prng.ts';
import { SyslogFrames } from './syslog-frames.ts';

interface Framing {
  readonly maxBytes?: number;
  readonly keepsCarriageReturn?: boolean;
}

/** The messages in what came in these pieces; a cut one has `…` behind it. */
function framesOf(pieces: readonly Buffer[], framing: Framing = {}): string[] {
  const { maxBytes = 100, keepsCarriageReturn = false } = framing;
  const found: string[] = [];
  const frames = new SyslogFrames({ maxBytes, keepsCarriageReturn }, (run) => {
    for (let row = 0; row < run.count; row++) {
      const text = run.bytes.toString('latin1', run.starts[row], run.ends[row]);
      found.push(run.cut[row] === 1 ? `${text}…` : text);
    }
  });
  for (const piece of pieces) frames.push(piece);
  frames.end();
  return found;
}

interface Case extends Framing {
  readonly title: string;
  readonly input: string;
  readonly expected: readonly string[];
}

const cases: readonly Case[] = [
  { title: 'LF ends a message', input: '<1>a\n<2>b\n', expected: ['<1>a', '<2>b'] },
  { title: 'CR LF does', input: '<1>a\r\n<2>b\r\n', expected: ['<1>a', '<2>b'] },
  { title: 'NUL does', input: '<1>a\0<2>b\0', expected: ['<1>a', '<2>b'] },
  {
    title: 'NUL and LF together do',
    input: '<1>a\0\n<2>b\n\0<3>c',
    expected: ['<1>a', '<2>b', '<3>c'],
  },
  { title: 'a message without an end is one', input: '<1>a\n<2>b', expected: ['<1>a', '<2>b'] },
  {
    title: 'empty lines are skipped',
    input: '\n\r\n<1>a\n\n\r\n\n<2>b\n\n',
    expected: ['<1>a', '<2>b'],
  },
  { title: 'nothing gives nothing', input: '', expected: [] },
  {
    title: 'a CR may be kept, but not alone',
    input: '<1>a\r\n\r\n<2>b\r\n',
    keepsCarriageReturn: true,
    expected: ['<1>a\r', '<2>b\r'],
  },
  {
    title: 'blanks before a priority are skipped, others are not',
    input: ' <1>a\n   <2>b\n  no\n   \n',
    expected: ['<1>a', '<2>b', '  no', '   '],
  },
  {
    title: 'a line that reaches the limit is cut there, and goes on',
    input: `<1>${'x'.repeat(7)}\n<2>${'y'.repeat(6)}\n<3>${'z'.repeat(19)}\n<4>d\n`,
    maxBytes: 10,
    expected: ['<1>xxxxxxx…', '<2>yyyyyy', '<3>zzzzzzz…', 'zzzzzzzzzz…', 'zz', '<4>d'],
  },
  {
    title: 'what a cut leaves is not changed',
    input: `<1>xxxxxx\r  <y\n`,
    maxBytes: 10,
    expected: ['<1>xxxxxx\r…', '  <y'],
  },
  {
    title: 'octets are counted when the connection begins so',
    input: '4 <1>a5 <2>bb6 <3>c\nc',
    expected: ['<1>a', '<2>bb', '<3>c\nc'],
  },
  {
    title: 'a line that begins with a number is a line',
    input: '4 apples\n12\n4 <a>b\n123456789 <1>a\n',
    expected: ['4 apples', '12', '4 <a>b', '123456789 <1>a'],
  },
  {
    title: 'the end of a line within a count is not content',
    input: '5 <1>a\n6 <2>b\r\n5 <3>c\0',
    expected: ['<1>a', '<2>b', '<3>c'],
  },
  {
    title: 'the end of a line beside a count is skipped',
    input: '4 <1>a\n4 <2>b\r\n4 <3>c\0 4 <4>d\n',
    expected: ['<1>a', '<2>b', '<3>c', '<4>d'],
  },
  {
    title: 'a count that is too small costs its message only',
    input: '3 <1>abc4 <2>d4 <3>e',
    expected: ['<1>', 'abc', '<2>d', '<3>e'],
  },
  {
    title: 'a count that is too large takes what follows with it, and no more',
    input: '9 <1>a4 <2>b4 <3>c4 <4>d',
    expected: ['<1>a4 <2>', 'b', '<3>c', '<4>d'],
  },
  {
    title: 'lines after frames are lines',
    input: '4 <1>a<2>b\n<3>c\n4 <4>d',
    expected: ['<1>a', '<2>b', '<3>c', '<4>d'],
  },
  {
    title: 'a frame beyond the limit is cut, and its count holds',
    input: `25 <1>${'x'.repeat(22)}4 <2>b10 <3>4567890`,
    maxBytes: 10,
    expected: ['<1>xxxxxxx…', 'xxxxxxxxxx…', 'xxxxx', '<2>b', '<3>4567890'],
  },
  {
    title: 'what is no frame is cut at the limit, too',
    input: `4 <1>a${'x'.repeat(23)}4 <2>b`,
    maxBytes: 10,
    expected: ['<1>a', 'xxxxxxxxxx…', 'xxxxxxxxxx…', 'xxx', '<2>b'],
  },
  { title: 'a frame whose peer went away is not whole', input: '16 <1>1', expected: ['<1>1…'] },
  {
    title: 'so is one that nobody ends after the limit',
    input: '25 <1>4567890',
    maxBytes: 10,
    expected: ['<1>4567890…'],
  },
  { title: 'a count alone gives nothing', input: '4 <1>a16 ', expected: ['<1>a'] },
  {
    title: 'frames may hold anything',
    input: '4 <1>a3 abc4 <2>b',
    expected: ['<1>a', 'abc', '<2>b'],
  },
  {
    title: 'a count with zeros before it is none',
    input: '4 <1>a04 <2>b4 <3>c',
    expected: ['<1>a', '0', '<2>b', '<3>c'],
  },
];

describe('syslog frames', () => {
  for (const { title, input, expected, ...framing } of cases) {
    const bytes = Buffer.from(input, 'latin1');

    test(title, () => {
      assert.deepEqual(framesOf([bytes], framing), expected);
    });

    test(`${title}: wherever it is split`, () => {
      const bytewise = [...bytes].map((byte) => Buffer.from([byte]));
      assert.deepEqual(framesOf(bytewise, framing), expected);
      for (let at = 0; at <= bytes.length; at++) {
        for (let to = at; to <= bytes.length; to++) {
          const pieces = [bytes.subarray(0, at), bytes.subarray(at, to), bytes.subarray(to)];
          assert.deepEqual(framesOf(pieces, framing), expected, `split at ${at} and ${to}`);
        }
      }
    });
  }

  test('random streams give the same messages however they arrive', () => {
    const seed = seedFromEnvironment();
    const prng = new Prng(seed);
    const tokens = [
      '<1>',
      '<191>',
      '\n',
      '\r\n',
      '\0',
      ' ',
      '4 ',
      '12 ',
      '300 ',
      'abc',
      '<',
      '>',
      '0',
    ];
    for (let round = 0; round < 400; round++) {
      const first = prng.pick(['4 <1>a', '<1>a\n', '']);
      const text = Array.from({ length: prng.integer(60) }, () => prng.pick(tokens)).join('');
      const bytes = Buffer.from(first + text, 'latin1');
      const framing = {
        maxBytes: prng.pick([3, 10, 40, 1000]),
        keepsCarriageReturn: prng.chance(0.5),
      };
      const pieces: Buffer[] = [];
      for (let at = 0; at < bytes.length; ) {
        const to = at + 1 + prng.integer(prng.pick([2, 10, 200]));
        pieces.push(bytes.subarray(at, to));
        at = to;
      }
      const whole = framesOf([bytes], framing);
      const stream = JSON.stringify(bytes.toString('latin1'));
      const message = `MILLRACE_SEED=${seed}, round ${round}: ${stream}`;
      assert.deepEqual(framesOf(pieces, framing), whole, message);
      for (const frame of whole)
        assert(frame.replace(/…$/, '').length <= framing.maxBytes, message);
    }
  });
});
