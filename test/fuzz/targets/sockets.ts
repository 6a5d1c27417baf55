import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { FormatError } from '../../../src/core/errors.ts';
import { StreamLines } from '../../../src/framing/stream-lines.ts';
import { javaKeyStore, javaTrustStore } from '../../../src/net/fake-key-stores.ts';
import { readJks, WrongPasswordError } from '../../../src/net/jks.ts';
import { expecting, type FuzzTarget, kindOf } from '../target.ts';

const password = 'changeit';
const digestBytes = 20;

export const jksTarget: FuzzTarget = {
  name: 'jks',
  tokens: [
    '\xfe\xed\xfe\xed',
    '\x00\x00\x00\x01',
    '\x00\x00\x00\x02',
    '\xff\xff\xff\xff',
    '\x30\x82',
  ],
  seeds: () => [javaKeyStore, javaTrustStore],
  run: (input) => {
    const read = expecting([FormatError, WrongPasswordError], () => readJks(input, password));
    if ('error' in read) return kindOf(read.error) || read.error.constructor.name;
    const { keys, trusted } = read.value;
    return `${keys.length} ${trusted.length} ${keys[0]?.chain.length}`;
  },
  repair: (input) => {
    const body = input.subarray(0, -digestBytes);
    const secret = Buffer.from(password, 'utf16le').swap16();
    const digest = createHash('sha1').update(secret).update('Mighty Aphrodite').update(body);
    return Buffer.concat([body, digest.digest()]);
  },
};

/** The first byte chooses the limit, the second how the rest is cut into chunks. */
export const streamLinesTarget: FuzzTarget = {
  name: 'stream-lines',
  tokens: ['\n', '\n\n', '\r\n', 'aaaaaaaaaaaaaaaa', '\x00'],
  seeds: () => [
    Buffer.from('\x05\x02one\ntwo\n\nthree'),
    Buffer.from('\x01\x01\n\n'),
    Buffer.alloc(3),
  ],
  run: (input) => {
    const maxBytes = 1 + ((input[0] ?? 0) % 32);
    const chunkBytes = 1 + ((input[1] ?? 0) % 16);
    const rest = input.subarray(2);
    const whole = linesOf(maxBytes, [rest]);
    const chunks: Buffer[] = [];
    for (let at = 0; at < rest.length; at += chunkBytes) {
      chunks.push(rest.subarray(at, at + chunkBytes));
    }
    assert.deepEqual(linesOf(maxBytes, chunks), whole);
    assert.equal(whole.join(''), rest.toString('latin1').replaceAll('\n', ''));
    assert(whole.every((line) => line.length <= maxBytes));
    return `${Math.min(9, whole.length)} ${whole.some((line) => line.length === maxBytes)}`;
  },
};

function linesOf(maxBytes: number, chunks: readonly Buffer[]): string[] {
  const taken: string[] = [];
  const lines = new StreamLines(maxBytes, ({ bytes, count, starts, ends }) => {
    for (let row = 0; row < count; row++) {
      taken.push(bytes.toString('latin1', starts[row], ends[row]));
    }
  });
  for (const chunk of chunks) lines.push(chunk);
  lines.end();
  return taken;
}
