import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FormatError } from '../core/errors.ts';
import { DerReader, derTags } from './der.ts';

function reader(hex: string): DerReader {
  return new DerReader(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
}

describe('values of DER', () => {
  test('are read one after the other', () => {
    const outer = reader('30 08 02 01 03 04 03 616263');
    const inner = outer.enter('test', derTags.sequence);
    assert(outer.isAtEnd);
    assert.equal(inner.nextTag, derTags.integer);
    assert.equal(inner.integer('number'), 3);
    assert.equal(inner.octets('text').toString(), 'abc');
    assert(inner.isAtEnd);
    assert.equal(inner.nextTag, undefined);
  });

  test('may have lengths of several bytes', () => {
    const long = reader(`04 82 0102 ${'ff'.repeat(258)}`).next('test');
    assert.equal(long.content.length, 258);
    assert.equal(long.whole.length, 262);
  });

  test('are numbers with a sign, of up to 4 bytes', () => {
    assert.equal(reader('02 01 ff').integer('test'), -1);
    assert.equal(reader('02 04 00ffffff').integer('test'), 0xffffff);
    assert.throws(() => reader('02 05 0000000000').integer('test'), FormatError);
    assert.throws(() => reader('02 00').integer('test'), FormatError);
  });

  test('are object identifiers, whatever their first numbers', () => {
    assert.equal(reader('06 06 2a864886f70d').objectIdentifier('test'), '1.2.840.113549');
    assert.equal(reader('06 03 883703').objectIdentifier('test'), '2.999.3');
    assert.equal(reader('06 01 00').objectIdentifier('test'), '0.0');
  });
});

describe('what breaks the rules is a FormatError', () => {
  const broken = {
    'an end before the length': '04',
    'an end within the length': '04 82 01',
    'more than there is': '04 05 00',
    'a huge length': '04 84 ffffffff 00',
    'an indefinite length': '30 80 00 00',
    'a length of five bytes': '04 85 0000000001 00',
    'a tag of several bytes': '1f 81 01 00',
  };
  for (const [title, hex] of Object.entries(broken)) {
    test(title, () => {
      assert.throws(() => reader(hex).next('test'), FormatError);
    });
  }

  test('another tag than there must be', () => {
    assert.throws(
      () => reader('04 00').integer('number'),
      /number: tag 4 in place of 2, at byte 0/,
    );
  });
});
