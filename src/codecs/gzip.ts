import { promisify } from 'node:util';
import { constants, crc32, createInflateRaw, gzip, type ZlibOptions } from 'node:zlib';
import { StreamReader } from '../bytes/stream-reader.ts';
import { FormatError } from '../core/errors.ts';
import { type Codec, joined } from './codec.ts';
import { chunkSizeFor, inflateMember, pieceBytes } from './zlib-stream.ts';

const gzipAsync = promisify<Buffer, ZlibOptions, Buffer>(gzip);

/** RFC 1952; members may follow each other, and every gzip reader takes them as one stream. */
export const gzipCodec: Codec = {
  name: 'gzip',
  hadoopClass: 'GzipCodec',
  extension: '.gz',
  maxLevel: constants.Z_BEST_COMPRESSION,
  compressor: (level) => (input) => {
    const plain = joined(input);
    const chunkSize = chunkSizeFor(plain.length);
    return gzipAsync(plain, { level: level || constants.Z_DEFAULT_COMPRESSION, chunkSize });
  },
  async *decompress(input) {
    const reader = new StreamReader(input);
    try {
      while (!(await reader.atEnd())) yield* readMember(reader);
    } finally {
      await reader.close();
    }
  },
};

/**
 * Node's own reader of gzip takes what follows a member for its end, unless it begins as a member
 * does; so the frame is read here.
 *
 *   member  => header deflated crc32 isize
 *     crc32   => u32             of the content
 *     isize   => u32             of the content, modulo 2^32
 *   header  => 1f 8b 08 flags mtime xfl os [extra] [name] [comment] [hcrc]
 *     flags   => u8              which of the four follow; the three highest bits are 0
 *     mtime   => u32
 *     xfl, os => u8
 *     extra   => length bytes    length: u16
 *     name, comment => bytes 00
 *     hcrc    => u16             the lower half of the CRC-32 of the header before it
 *
 * All little-endian.
 */
async function* readMember(reader: StreamReader): AsyncGenerator<Buffer> {
  await readHeader(reader);
  let sum = 0;
  let length = 0;
  const stream = createInflateRaw({ chunkSize: pieceBytes });
  for await (const piece of inflateMember(reader, stream, 'a gzip member')) {
    sum = crc32(piece, sum);
    length = (length + piece.length) % 2 ** 32;
    yield piece;
  }
  const at = reader.position;
  const trailer = await reader.read(8, 'a gzip member');
  if (trailer.readUInt32LE(0) !== sum) throw new FormatError('a gzip member has a wrong sum', at);
  if (trailer.readUInt32LE(4) !== length) {
    throw new FormatError('a gzip member has a wrong length', at + 4);
  }
}

const flag = { hcrc: 2, extra: 4, name: 8, comment: 16, reserved: 0xe0 };

async function readHeader(reader: StreamReader): Promise<void> {
  const start = reader.position;
  let sum = 0;
  const read = async (count: number) => {
    const bytes = await reader.read(count, 'the header of a gzip member');
    sum = crc32(bytes, sum);
    return bytes;
  };
  const fixed = await read(10);
  if (fixed.readUInt16BE(0) !== 0x1f8b) throw new FormatError('this is no gzip member', start);
  const flags = fixed.readUInt8(3);
  if (fixed.readUInt8(2) !== 8 || (flags & flag.reserved) !== 0) {
    throw new FormatError('a gzip member of an unknown kind', start + 2);
  }
  if (flags & flag.extra) {
    const length = (await read(2)).readUInt16LE();
    await read(length);
  }
  for (const text of [flag.name, flag.comment]) {
    if (flags & text) while ((await read(1)).readUInt8() !== 0);
  }
  if (flags & flag.hcrc) {
    const expected = sum & 0xffff;
    const at = reader.position;
    if ((await read(2)).readUInt16LE() !== expected) {
      throw new FormatError('the header of a gzip member has a wrong sum', at);
    }
  }
}
