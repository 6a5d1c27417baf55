import { promisify } from 'node:util';
import { constants, createZstdDecompress, type ZstdOptions, zstdCompress } from 'node:zlib';
import { StreamReader } from '../bytes/stream-reader.ts';
import { FormatError } from '../core/errors.ts';
import { type Codec, joined } from './codec.ts';
import { chunkSizeFor, pieceBytes, through } from './zlib-stream.ts';

/** The types don't know of `pledgedSrcSize` yet; a Node that doesn't either ignores it. */
type CompressOptions = ZstdOptions & { readonly pledgedSrcSize: number };

const compressAsync = promisify<Buffer, CompressOptions, Buffer>(zstdCompress);

/** RFC 8878; frames may follow each other, and `zstd -d` reads them as one stream. */
export const zstdCodec: Codec = {
  name: 'zstd',
  hadoopClass: 'ZStandardCodec',
  extension: '.zst',
  maxLevel: 19,
  compressor: (level) => (input) => {
    const plain = joined(input);
    return compressAsync(plain, {
      chunkSize: chunkSizeFor(plain.length),
      // With its tables as large as the content needs, it takes two thirds of the time.
      pledgedSrcSize: plain.length,
      params: {
        [constants.ZSTD_c_compressionLevel]: level || constants.ZSTD_CLEVEL_DEFAULT,
        [constants.ZSTD_c_checksumFlag]: 1,
      },
    });
  },
  decompress: (input) => readFrames(new StreamReader(input)),
};

const magic = 0xfd2fb528;
/** Sixteen numbers from this one on. */
const skippableMagic = 0x184d2a50;
const maxBlockBytes = 128 * 1024;
const blockHeaderBytes = 3;
/** Blocks are gathered to so much before they go to the thread pool. */
const runBytes = 64 * 1024;
/** Of the window that a frame asks for: zstd's own limit, beyond which `zstd -d` refuses too. */
const maxWindowLog = 27;

/**
 * Node's own reader of zstd ends with the first frame if anything stands behind it in the same
 * buffer, and takes a frame that is cut off for whole; so the ends of frames are found here.
 *
 *   file       => [frame or skippable]
 *   frame      => magic descriptor fields [block] [checksum]
 *     descriptor => u8       which of the header's fields follow, and how long they are
 *     checksum   => u32      there if the descriptor says so
 *   block      => header content
 *     header     => u24      1 bit last, 2 bits type, 21 bits size
 *     content    => bytes    as many as size says; of type 1, one byte that is repeated
 *   skippable  => magic size bytes
 *
 * All little-endian.
 */
async function* readFrames(reader: StreamReader): AsyncGenerator<Buffer> {
  let runStart = 0;
  let fed = 0;
  let frame: FrameEnd | undefined;
  const next = async () => {
    if (!frame && !(await frameFollows(reader))) return undefined;
    runStart = reader.position;
    const { bytes, left } = await readRun(reader, frame);
    frame = left;
    fed += bytes.length;
    return bytes;
  };
  try {
    if (!(await frameFollows(reader))) return;
    const stream = createZstdDecompress({
      chunkSize: pieceBytes,
      params: { [constants.ZSTD_d_windowLogMax]: maxWindowLog },
    });
    yield* through(stream, next, (problem) => new FormatError(`zstd: ${problem}`, runStart));
    // It stops at an end of a frame that is not the one which was found here.
    if (stream.bytesWritten < fed) throw new FormatError('a zstd frame is too short', runStart);
  } finally {
    await reader.close();
  }
}

/** What follows the last block of a frame that is being read. */
interface FrameEnd {
  readonly checksumBytes: number;
}

/** The next blocks of one frame, and the frame unless they are its last ones. */
async function readRun(
  reader: StreamReader,
  frame: FrameEnd | undefined,
): Promise<{ bytes: Buffer; left: FrameEnd | undefined }> {
  let length = 0;
  let left = frame;
  if (!left) {
    const descriptor = await readDescriptor(reader);
    left = { checksumBytes: (descriptor & 4) === 0 ? 0 : 4 };
    length = 5 + headerFieldsBytes(descriptor);
  }
  while (left && length < runBytes) {
    const at = reader.position + length;
    if (!(await reader.fill(length + blockHeaderBytes))) {
      throw new FormatError(cutOff, reader.position + reader.buffered);
    }
    const header = reader.peek(length + blockHeaderBytes).readUIntLE(length, blockHeaderBytes);
    const type = (header >>> 1) & 3;
    const size = header >>> 3;
    if (type === 3 || size > maxBlockBytes) throw new FormatError('a zstd block is broken', at);
    length += blockHeaderBytes + (type === 1 ? 1 : size);
    if ((header & 1) === 1) {
      length += left.checksumBytes;
      left = undefined;
    }
  }
  return { bytes: await reader.read(length, 'a zstd frame'), left };
}

const cutOff = 'a zstd frame is cut off';

async function readDescriptor(reader: StreamReader): Promise<number> {
  if (!(await reader.fill(5))) throw new FormatError(cutOff, reader.position);
  const head = reader.peek(5);
  if (head.readUInt32LE() !== magic)
    throw new FormatError('this is no zstd frame', reader.position);
  return head.readUInt8(4);
}

/** How many bytes of header follow the descriptor: window, dictionary, content size. */
function headerFieldsBytes(descriptor: number): number {
  const single = (descriptor & 0x20) !== 0;
  const dictionary = [0, 1, 2, 4][descriptor & 3] as number;
  const contentSize = [single ? 1 : 0, 2, 4, 8][descriptor >>> 6] as number;
  return (single ? 0 : 1) + dictionary + contentSize;
}

/** Goes past frames that hold something else; false at the end. */
async function frameFollows(reader: StreamReader): Promise<boolean> {
  while (await reader.fill(4)) {
    const number = reader.peek(4).readUInt32LE();
    if (number < skippableMagic || number >= skippableMagic + 16) return true;
    let left = (await reader.read(8, 'a zstd frame')).readUInt32LE(4);
    while (left > 0) {
      if (await reader.atEnd()) throw new FormatError(cutOff, reader.position);
      left -= reader.take(Math.min(left, reader.buffered)).length;
    }
  }
  return !(await reader.atEnd());
}
