import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FormatError } from '../core/errors.ts';
import {
  bool,
  bytes,
  identifier,
  integer,
  message,
  optional,
  ProtoReader,
  repeated,
  required,
  string,
  zigzag,
} from './protobuf.ts';

const inner = message('Inner', { id: required(1, identifier) });
const outer = message('Outer', {
  count: required(1, integer),
  name: optional(2, string),
  inner: optional(3, inner),
  numbers: repeated(4, integer),
  delta: optional(16, zigzag),
  flag: optional(5, bool),
  blob: optional(6, bytes),
});
const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');

test('a message is written in the order of its field numbers and read again', () => {
  const value = {
    count: 300,
    name: 'é',
    inner: { id: 2n ** 64n - 1n },
    numbers: [1, -1],
    delta: -3,
    flag: false,
    blob: Buffer.from('x'),
  };
  const encoded = outer.encode(value);
  assert.equal(
    encoded.toString('hex'),
    hex(
      '08ac02 1202c3a9 1a0b08ffffffffffffffffff01 2001 20ffffffffffffffffff01 2800 320178 800105',
    ).toString('hex'),
  );
  assert.deepEqual({ ...outer.decode(encoded) }, value);
});

test('numbers are read up to 53 bits, and as signed when they have 64', () => {
  for (const value of [0, 127, 128, 2 ** 28, 2 ** 31, 2 ** 32, 2 ** 53 - 1, -1, -(2 ** 53) + 1]) {
    assert.equal(outer.decode(outer.encode({ count: value, numbers: [] })).count, value);
  }
  assert.throws(() => outer.decode(hex('08 ffffffffffffff7f')), FormatError);
  assert.throws(() => outer.decode(hex('08 ffffffffffffffffffff01')), FormatError);
});

test('fields that are not declared are skipped, of any type', () => {
  const extra = hex('7808 7a03616263 7d01020304 79 0102030405060708');
  const encoded = Buffer.concat([extra, outer.encode({ count: 1, numbers: [] }), extra]);
  assert.equal(outer.decode(encoded).count, 1);
});

test('repeated numbers are read packed and one by one', () => {
  assert.deepEqual(outer.decode(hex('0801 2203 010203 2004')).numbers, [1, 2, 3, 4]);
});

test('a missing required field is an error that names it', () => {
  assert.throws(() => outer.decode(hex('1201 61')), /Outer has no count/);
  assert.throws(() => outer.decode(hex('0801 1a00')), /Inner has no id/);
});

test('what breaks the grammar is a FormatError', () => {
  for (const bad of ['08', '0a05 61', '12 ff', '0d 0102', '00', '07', '0801 1a05 08']) {
    assert.throws(() => outer.decode(hex(bad)), FormatError, bad);
  }
  assert.throws(() => new ProtoReader(hex('ffffffff')).delimited(), FormatError);
});
