import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decryptRc2Cbc } from './rc2.ts';

/* Test vectors of RFC 2268, section 5, whose effective bits are those of the key. */
const vectors = [
  { key: 'ffffffffffffffff', plain: 'ffffffffffffffff', sealed: '278b27e42e2f0d49' },
  { key: '3000000000000000', plain: '1000000000000001', sealed: '30649edf9be7d2c2' },
  {
    key: '88bca90e90875a7f0f79c384627bafb2',
    plain: '0000000000000000',
    sealed: '2269552ab0f85ca6',
  },
];

test('blocks are decrypted as in the RFC', () => {
  for (const { key, plain, sealed } of vectors) {
    const opened = decryptRc2Cbc(hex(key), Buffer.alloc(8), hex(sealed));
    assert.equal(opened.toString('hex'), plain);
  }
});

test('blocks are chained: each is XORed with the sealed one before', () => {
  const [{ key, plain, sealed } = { key: '', plain: '', sealed: '' }] = vectors.slice(1);
  const opened = decryptRc2Cbc(hex(key), hex('0102030405060708'), hex(sealed + sealed));
  const first = xor(hex(plain), hex('0102030405060708'));
  assert.deepEqual(opened, Buffer.concat([first, xor(hex(plain), hex(sealed))]));
});

function hex(text: string): Buffer {
  return Buffer.from(text, 'hex');
}

function xor(left: Buffer, right: Buffer): Buffer {
  return Buffer.from(left.map((byte, index) => byte ^ (right[index] ?? 0)));
}
