/** How many events are in the files of a directory of HDFS, of any format that a sink writes. */
import { codecs } from '../src/codecs/codecs.ts';
import { readLines } from '../src/formats/line-reader.ts';
import { readParquet } from '../src/formats/parquet-reader.ts';
import { readSequenceFile } from '../src/formats/sequence-file-reader.ts';
import type { HdfsClient } from '../src/hdfs/index.ts';

const maxLineBytes = 1 << 20;

/** @throws Error when one of them is still being written */
export async function countEvents(
  hdfs: HdfsClient,
  directory: string,
): Promise<{ events: number; bytes: number; files: number }> {
  let [events, bytes, files] = [0, 0, 0];
  for await (const { path, length } of hdfs.list(directory)) {
    if (path.endsWith('.tmp')) throw new Error(`${path} is left`);
    events += await countIn(path, hdfs.createReadStream(path));
    bytes += length;
    files++;
  }
  return { events, bytes, files };
}

async function countIn(path: string, input: AsyncIterable<Buffer>): Promise<number> {
  if (path.endsWith('.parquet')) {
    const chunks: Buffer[] = [];
    for await (const chunk of input) chunks.push(chunk);
    const file = Buffer.concat(chunks);
    const read = async (at: number, length: number) => file.subarray(at, at + length);
    const { batches } = await readParquet({ size: file.length, read });
    let count = 0;
    for await (const { rowCount } of batches()) count += rowCount;
    return count;
  }
  const [first = Buffer.alloc(0), rest] = await peeked(input);
  if (first.toString('latin1', 0, 3) === 'SEQ') return sum((await readSequenceFile(rest)).records);
  const codec = codecs.find(({ extension }) => path.endsWith(extension));
  return sum(readLines(codec ? codec.decompress(rest) : rest, maxLineBytes));
}

/** The first piece of an input, and all of it. */
async function peeked(
  input: AsyncIterable<Buffer>,
): Promise<[first: Buffer | undefined, all: AsyncIterable<Buffer>]> {
  const pieces = input[Symbol.asyncIterator]();
  const { value: first, done } = await pieces.next();
  async function* all() {
    if (!done) yield first;
    for (let next = await pieces.next(); !next.done; next = await pieces.next()) yield next.value;
  }
  return [done ? undefined : first, all()];
}

async function sum(some: AsyncIterable<readonly unknown[]>): Promise<number> {
  let count = 0;
  for await (const each of some) count += each.length;
  return count;
}
