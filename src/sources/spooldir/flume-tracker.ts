import { hash } from 'node:crypto';
import { join, resolve } from 'node:path';
import { Cursor } from '../../bytes/cursor.ts';
import type { Disk } from '../../core/disk.ts';
import { FormatError } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';

/** Where in which file a Flume agent was. */
export interface FlumePosition {
  readonly path: string;
  /** Everything before this byte is in Flume's channels. */
  readonly offset: number;
}

/** Larger than any: Flume begins the file anew with each file that it reads. */
const mostBytes = 256 * 1024 * 1024;
const trackerName = '.flumespool-main.meta';

/**
 * The file in which Flume notes how far it has read its current file. It is read when the source
 * starts, so that it goes on where Flume stopped, and removed before its file gets its final name.
 * At a stop it is written, for the way back to Flume.
 */
export class FlumeTracker {
  readonly #path: string;
  readonly #directory: string;
  readonly #disk: Disk;
  readonly #log: Logger;
  #position: FlumePosition | undefined;

  constructor(trackerDirectory: string, disk: Disk, log: Logger) {
    this.#directory = trackerDirectory;
    this.#path = join(trackerDirectory, trackerName);
    this.#disk = disk;
    this.#log = log;
  }

  async load(): Promise<void> {
    this.#position = undefined;
    try {
      const bytes = await this.#disk.readFile(this.#path);
      // Flume removes an empty one, too: it died when it had just made it.
      if (bytes.length === 0) return;
      this.#position = parseFlumeTracker(bytes);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
      const said = "Flume's tracker file can not be read: its file is read from its beginning.";
      this.#log.warn({ path: this.#path, error }, said);
    }
  }

  /** Where to begin in a file that no channel knows: where Flume was. */
  offsetIn(path: string, size: number): number {
    if (!this.#position || this.file !== path || this.#position.offset > size) return 0;
    const { offset } = this.#position;
    this.#log.info({ path, offset }, 'Flume was reading this file: it is gone on with there.');
    return offset;
  }

  /** The file of which it speaks. */
  get file(): string | undefined {
    return this.#position && resolve(this.#position.path);
  }

  /**
   * Says how far the file was read.
   *
   * @param path as Flume has it: it compares the text
   */
  async write(path: string, offset: number): Promise<void> {
    await this.#disk.makeDirectory(this.#directory);
    const temporary = `${this.#path}.tmp`;
    const file = await this.#disk.open(temporary, 'w');
    try {
      await file.write([encodeFlumeTracker({ path, offset })], 0);
      await file.sync();
    } finally {
      await file.close();
    }
    await this.#disk.rename(temporary, this.#path);
    await this.#disk.syncDirectory(this.#directory);
    this.#position = { path, offset };
  }

  /** Removes it: what it says would be wrong for another file of that name. */
  async remove(): Promise<void> {
    if (!this.#position) return;
    await this.#disk.unlink(this.#path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
    await this.#disk.syncDirectory(this.#directory);
    this.#position = undefined;
  }
}

/**
 * An Avro object container file; a record is appended at each commit, and the last one counts.
 * Source: Avro 1.11, "Object Container Files"; Flume 1.11, `DurablePositionTracker`, observed.
 *
 *   file   => magic metadata sync block*
 *     magic    => "Obj" 0x01
 *     metadata => (count (key value)*)* 0     count, lengths: zigzag varint; a negative count is
 *                                             followed by the bytes of its entries
 *     sync     => 16 bytes
 *   block  => count bytes record* sync
 *     record => offset                        zigzag varint
 *
 * The metadata has `file`: the path that is read. A block that breaks off was being written when
 * Flume died.
 *
 * @throws FormatError
 */
export function parseFlumeTracker(bytes: Buffer): FlumePosition {
  if (bytes.length > mostBytes) throw new FormatError('it is too long', mostBytes);
  const cursor = new Cursor(bytes);
  if (cursor.view(4, 'magic').toString('latin1') !== 'Obj\u0001') cursor.fail('no Avro file');
  const metadata = readMetadata(cursor);
  const path = metadata.get('file')?.toString() ?? '';
  if (path === '') cursor.fail('it names no file');
  const codec = metadata.get('avro.codec')?.toString() ?? 'null';
  if (codec !== 'null') cursor.fail(`codec ${codec}`);
  const sync = cursor.view(16, 'sync marker');
  let offset = 0;
  while (cursor.left > 0) {
    const last = lastOfBlock(cursor, sync);
    if (last === undefined) break;
    offset = last;
  }
  return { path, offset };
}

const schema = JSON.stringify({
  type: 'record',
  name: 'TransferStateFileMeta',
  namespace: 'org.apache.flume.serialization',
  fields: [{ name: 'offset', type: 'long' }],
});

/** The same, with one record. */
export function encodeFlumeTracker({ path, offset }: FlumePosition): Buffer {
  const text = (value: string) =>
    Buffer.concat([zigzag(Buffer.byteLength(value)), Buffer.from(value)]);
  const metadata = [text('avro.schema'), text(schema), text('file'), text(path)];
  const sync = hash('md5', metadata.join(), 'buffer');
  const record = zigzag(offset);
  return Buffer.concat([
    Buffer.from('Obj\u0001'),
    ...[zigzag(2), ...metadata, zigzag(0), sync],
    ...[zigzag(1), zigzag(record.length), record, sync],
  ]);
}

function zigzag(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value * 2; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.from([...bytes, rest]);
    bytes.push((rest % 128) | 128);
  }
}

function readMetadata(cursor: Cursor): Map<string, Buffer> {
  const metadata = new Map<string, Buffer>();
  for (;;) {
    let count = varint(cursor);
    if (count === 0) return metadata;
    if (count < 0) {
      length(cursor);
      count = -count;
    }
    if (count > cursor.left) cursor.fail('too many entries');
    for (let entry = 0; entry < count; entry++) {
      const key = cursor.view(length(cursor), 'key').toString();
      metadata.set(key, cursor.view(length(cursor), 'value'));
    }
  }
}

/** The offset that the block's last record says; `undefined` when the block breaks off. */
function lastOfBlock(cursor: Cursor, sync: Buffer): number | undefined {
  try {
    const count = varint(cursor);
    const size = length(cursor);
    const records = new Cursor(cursor.view(size, 'block'));
    if (!cursor.view(sync.length, 'sync marker').equals(sync)) return undefined;
    let offset: number | undefined;
    for (let record = 0; record < count; record++) offset = varint(records);
    return offset !== undefined && offset >= 0 ? offset : undefined;
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

function length(cursor: Cursor): number {
  const value = varint(cursor);
  return value < 0 ? cursor.fail('a length is negative') : value;
}

/** A zigzag varint; none beyond 2^53 occurs. */
function varint(cursor: Cursor): number {
  let value = 0;
  for (let shift = 0; shift < 8; shift++) {
    const byte = cursor.u8('number');
    value += (byte & 0x7f) * 2 ** (7 * shift);
    if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }
  return cursor.fail('a number is too large');
}
