import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isUtf8, toUtf8 } from './to-utf8.ts';

/** Byte by byte, so that characters come in pieces. */
function decoded(encoding: string, bytes: readonly number[]): string {
  const decode = toUtf8(encoding);
  assert(decode, encoding);
  return bytes.map((byte) => decode(Buffer.of(byte)).toString()).join('');
}

test('UTF-8 and ASCII stay as they are, whatever they hold', () => {
  for (const encoding of ['utf-8', 'UTF8', 'US-ASCII', 'ascii']) {
    assert(isUtf8(encoding), encoding);
    const bytes = Buffer.from([0xff, 0x41]);
    assert.equal(toUtf8(encoding)?.(bytes), bytes);
  }
  assert.equal(isUtf8('iso-8859-1'), false);
});

test('encodings are known by the names that Java has for them', () => {
  assert.equal(decoded('ISO-8859-1', [0xe9, 0x80]), 'é\x80');
  assert.equal(decoded('latin1', [0xe9]), 'é');
  assert.equal(decoded('windows-1252', [0x80]), '€');
  assert.equal(decoded('Cp1252', [0x80]), '€');
  assert.equal(decoded('ISO-8859-15', [0xa4]), '€');
  assert.equal(decoded('Shift_JIS', [0x83, 0x65]), 'テ');
  assert.equal(decoded('SJIS', [0x83, 0x65]), 'テ');
  assert.equal(decoded('EUC_JP', [0xa5, 0xc6]), 'テ');
  assert.equal(decoded('GBK', [0xd6, 0xd0]), '中');
  assert.equal(decoded('UTF-16LE', [0x41, 0x00]), 'A');
});

test('UTF-16 is big-endian unless its mark says otherwise', () => {
  assert.equal(decoded('UTF-16', [0x00, 0x41, 0xd8, 0x3d, 0xde, 0x00]), 'A\u{1f600}');
  assert.equal(decoded('UTF-16', [0xff, 0xfe, 0x41, 0x00]), 'A');
  assert.equal(decoded('UTF-16', [0xfe, 0xff, 0x00, 0x41]), 'A');
});

test('bytes that stand for nothing become U+FFFD', () => {
  assert.equal(decoded('Shift_JIS', [0x41, 0xff, 0x42]), 'A\ufffdB');
});

test('an encoding that is not there is none', () => {
  assert.equal(toUtf8('utf-9'), undefined);
  assert.equal(toUtf8(''), undefined);
});
