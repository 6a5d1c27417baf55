import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { gzipCodec } from './gzip.ts';
import { zstdCodec } from './zstd.ts';

const text = Buffer.from('a line of a log, and another one. '.repeat(2000));
const pieces = [text.subarray(0, 10), Buffer.alloc(0), text.subarray(10)];

for (const [name, codec, decompress] of [
  ['gzip', gzipCodec, gunzipSync],
  ['zstd', zstdCodec, zstdDecompressSync],
] as const) {
  test(`${name}: a member holds all of its buffers, at every level`, async () => {
    for (const level of [0, 1, codec.maxLevel]) {
      const member = await codec.compressor(level)(pieces);
      assert(member.length < text.length / 10);
      assert.deepEqual(decompress(member), text);
    }
  });

  test(`${name}: a member of nothing is valid`, async () => {
    assert.deepEqual(decompress(await codec.compressor(0)([])), Buffer.alloc(0));
  });
}

test('gzip: members that follow each other read as one stream', async () => {
  const compress = gzipCodec.compressor(0);
  const file = Buffer.concat([
    await compress([Buffer.from('one\n')]),
    await compress([Buffer.from('two\n')]),
  ]);
  assert.equal(gunzipSync(file).toString(), 'one\ntwo\n');
});
