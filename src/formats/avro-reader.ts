import { StreamReader } from '../bytes/stream-reader.ts';
import { FormatError } from '../core/errors.ts';
import { type BlockCodec, blockCodecs } from './avro/block-codec.ts';
import { magic, syncBytes } from './avro/container.ts';
import { DatumInput, type DatumLimits } from './avro/datum-input.ts';
import { compileDecoder, type Decode } from './avro/decode.ts';
import { compileToJson } from './avro/json.ts';
import { type AvroType, parseAvroSchema } from './avro/schema.ts';

export interface AvroReaderOptions {
  /** Of one block, as it stands and uncompressed; default: 64 MiB. */
  readonly maxBlockBytes?: number;
}

/** An Avro container file: what its header says, and its data, to be read in one of two ways. */
export interface AvroFile {
  readonly schema: AvroType;
  /** The schema as it stands in the file. */
  readonly schemaText: string;
  /** Also what the writer's program put there. */
  readonly metadata: ReadonlyMap<string, Buffer>;
  /** `null`, `deflate`, `snappy`, `bzip2` or `zstandard`. */
  readonly codec: string;
  /**
   * The data as plain values (see `compileDecoder`): an array per block, several of a block with
   * very many. Bytes are views of the block.
   *
   * @throws FormatError with the offset, also when the file is cut off within a block
   */
  readonly records: AsyncIterable<unknown[]>;
  /** The same as JSON (see `compileToJson`). */
  readonly jsonLines: AsyncIterable<string[]>;
}

const defaultMaxBlockBytes = 64 * 2 ** 20;
const maxHeaderBytes = 16 * 2 ** 20;
/** What is given at once, so that a block of very small datums does not become too many objects. */
const maxAtOnce = 10_000;
const maxTextAtOnce = 2 ** 20;
/** Values without bytes, besides as many as there are bytes. */
const emptyValues = 2 ** 20;
const maxDepth = 1_000;

/**
 * Reads the header of an Avro container file (its grammar is in `avro/container.ts`). The input is
 * let go of when the data was read, or with an error.
 *
 * @throws FormatError with the offset
 */
export async function readAvroFile(
  input: AsyncIterable<Buffer>,
  options: AvroReaderOptions = {},
): Promise<AvroFile> {
  const reader = new StreamReader(input);
  try {
    const { metadata, sync } = await readHeader(reader);
    const schemaText = metadata.get('avro.schema')?.toString('utf8');
    if (schemaText === undefined) throw new FormatError('the file has no schema', magic.length);
    const schema = schemaOf(schemaText);
    const codec = metadata.get('avro.codec')?.toString('latin1') ?? 'null';
    const blockCodec = blockCodecs.get(codec);
    if (!blockCodec) {
      throw new FormatError(`the codec ${codec.slice(0, 50)} is unknown`, magic.length);
    }
    const { maxBlockBytes = defaultMaxBlockBytes } = options;
    const data = new ContainerData(reader, { blockCodec, sync, maxBlockBytes });
    return {
      schema,
      schemaText,
      metadata,
      codec,
      records: data.read(compileDecoder(schema), () => 0),
      jsonLines: data.read(compileToJson(schema), (line) => line.length),
    };
  } catch (error) {
    await reader.close();
    throw error;
  }
}

interface ContainerLayout {
  readonly blockCodec: BlockCodec;
  readonly sync: Buffer;
  readonly maxBlockBytes: number;
}

/** The blocks of a file. */
class ContainerData {
  readonly #reader: StreamReader;
  readonly #layout: ContainerLayout;
  readonly #limits: DatumLimits;

  constructor(reader: StreamReader, layout: ContainerLayout) {
    this.#reader = reader;
    this.#layout = layout;
    this.#limits = { emptyValues, depth: maxDepth, textLength: 4 * layout.maxBlockBytes };
  }

  /** @param sizeOf the memory of one, where that may be more than the block's */
  async *read<T>(decode: Decode<T>, sizeOf: (datum: T) => number): AsyncGenerator<T[]> {
    try {
      while (!(await this.#reader.atEnd())) {
        const { count, input } = await this.#block();
        let datums: T[] = [];
        let size = 0;
        for (let left = count; left > 0; left--) {
          input.beginDatum();
          const datum = decode(input);
          datums.push(datum);
          size += sizeOf(datum);
          if (datums.length < maxAtOnce && size < maxTextAtOnce) continue;
          yield datums;
          datums = [];
          size = 0;
        }
        if (input.left > 0) input.fail(`a block has ${input.left} bytes too many`);
        if (datums.length > 0) yield datums;
      }
    } finally {
      await this.#reader.close();
    }
  }

  async #block(): Promise<{ count: number; input: DatumInput }> {
    const reader = this.#reader;
    const { blockCodec, sync, maxBlockBytes } = this.#layout;
    const begin = reader.position;
    const count = await readLong(reader, 'the count of a block');
    const bytes = await readLong(reader, 'the size of a block');
    if (count < 0) throw new FormatError(`a block has ${count} datums`, begin);
    if (bytes < 0 || bytes > maxBlockBytes) {
      throw new FormatError(`a block has ${bytes} bytes, and may have ${maxBlockBytes}`, begin);
    }
    const offset = reader.position;
    const packed = await reader.read(bytes, 'a block');
    const syncOffset = reader.position;
    if (!sync.equals(await reader.read(syncBytes, 'the end of a block'))) {
      throw new FormatError('a block does not end with the sync marker of the file', syncOffset);
    }
    const isPacked = blockCodec !== blockCodecs.get('null');
    const plain = await blockCodec.uncompress(packed, maxBlockBytes).catch((error: unknown) => {
      if (!(error instanceof FormatError)) throw error;
      throw new FormatError(`a block can not be uncompressed: ${error.message}`, offset);
    });
    this.#limits.emptyValues += plain.length;
    return { count, input: new DatumInput(plain, offset, isPacked, this.#limits) };
  }
}

async function readHeader(
  reader: StreamReader,
): Promise<{ metadata: Map<string, Buffer>; sync: Buffer }> {
  if (!magic.equals(await reader.read(magic.length, 'the header'))) {
    throw new FormatError('this is no Avro container file', 0);
  }
  const metadata = new Map<string, Buffer>();
  for (let left = await readCount(reader); left > 0; left = await readCount(reader)) {
    for (; left > 0; left--) {
      const key = (await readBytes(reader)).toString('utf8');
      // A copy: a view would keep what was read with it.
      metadata.set(key, Buffer.from(await readBytes(reader)));
    }
  }
  return { metadata, sync: Buffer.from(await reader.read(syncBytes, 'the sync marker')) };
}

async function readCount(reader: StreamReader): Promise<number> {
  const count = await readLong(reader, 'a count of metadata');
  if (count < 0) await readLong(reader, 'a size of metadata');
  return Math.abs(count);
}

async function readBytes(reader: StreamReader): Promise<Buffer> {
  const begin = reader.position;
  const length = await readLong(reader, 'a length of metadata');
  if (length < 0 || reader.position + length > maxHeaderBytes) {
    throw new FormatError(`the length of metadata is ${length}`, begin);
  }
  return reader.read(length, 'the metadata');
}

/** A long between -2^52 and 2^52: none that is read here can be more. */
async function readLong(reader: StreamReader, what: string): Promise<number> {
  const begin = reader.position;
  let value = 0;
  let scale = 1;
  for (let count = 0; count < 8; count++) {
    const byte = (await reader.read(1, what)).readUInt8();
    value += (byte & 127) * scale;
    if (value > Number.MAX_SAFE_INTEGER) break;
    if (byte < 128) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
    scale *= 128;
  }
  throw new FormatError(`${what} is too large`, begin);
}

function schemaOf(text: string): AvroType {
  try {
    return parseAvroSchema(text);
  } catch (error) {
    throw new FormatError(`the schema is broken: ${(error as Error).message}`, magic.length);
  }
}
