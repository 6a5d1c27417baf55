import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { ThriftReader, ThriftWriter } from './thrift.ts';

test('the bytes are those of the compact protocol', () => {
  const out = new ThriftWriter();
  out.i32(1, -1);
  out.i64(3, 150);
  out.boolean(4, true);
  out.boolean(20, false);
  out.binary(21, 'ab');
  out.struct(22, () => out.i16(1, 2));
  out.i32s(23, [1, 2]);
  out.texts(24, Array(15).fill(''));
  assert.deepEqual(
    out.end().toString('hex'),
    [
      '1501',
      '26ac02',
      '11',
      '0228',
      '18026162',
      '1c140400',
      '19250204',
      `19f80f${'00'.repeat(15)}`,
      '00',
    ].join(''),
  );
});

test('fields are read by their ids, and unknown ones of any type are skipped', () => {
  const unknown = {
    i32: '1501',
    i64: `16${'ff'.repeat(9)}01`,
    double: `17${'00'.repeat(8)}`,
    binary: '18026162',
    booleans: '1112',
    byte: '1305',
    map: '1b0158020161',
    emptyMap: '1b00',
    struct: '1c150200',
    booleansInList: '19210102',
    set: '1a1504',
    uuid: `1d${'00'.repeat(16)}`,
  };
  // Field 100: the id is written out.
  const bytes = Buffer.from(`${Object.values(unknown).join('')}05c801960200`, 'hex');
  const reader = new ThriftReader(bytes, 0);
  let found = 0;
  reader.fields((id) => {
    if (id !== 100) return false;
    found = reader.int();
    return true;
  });
  assert.equal(found, 139);
  assert.equal(reader.length, bytes.length);
});

test('a value of another type, or one that is cut off, is refused with its place', () => {
  const fails = (hex: string, read: (reader: ThriftReader) => unknown, message: RegExp) => {
    const reader = new ThriftReader(Buffer.from(hex, 'hex'), 100);
    assert.throws(() => reader.fields(() => read(reader) !== undefined), message, hex);
  };
  fails('1802', (reader) => reader.int(), /type 8, at byte 101/);
  fails('1501', (reader) => reader.binary(), /type 5/);
  fails('18056162', (reader) => reader.binary(), /cut off, at byte 102/);
  fails('15', (reader) => reader.int(), /cut off/);
  fails('1501', (reader) => reader.count(), /-1 where a number of things/);
  fails(`16${'ff'.repeat(10)}01`, (reader) => reader.int(), /huge/);
  fails('19fcffffffff0f', (reader) => reader.structs(() => 1), /a list of 4294967295 is cut off/);
  fails('1925', (reader) => reader.texts(), /cut off/);
  fails('192500', (reader) => reader.texts(), /cut off|type/);
  fails('1bffffffff0f11', () => undefined, /a map of 4294967295 is cut off/);
  fails('1e', () => undefined, /type 14/);
  fails('1c'.repeat(100), () => undefined, /nest too deeply/);
  fails(`1c${'19'.repeat(100)}`, () => undefined, /nest too deeply/);
});
