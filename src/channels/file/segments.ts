import { basename, dirname, join } from 'node:path';
import { crc32c } from '@node-rs/crc32';
import type { Seams } from '../../core/component.ts';
import type { DiskFile } from '../../core/disk.ts';
import { ChannelError } from '../../core/errors.ts';
import { encryptionBytes, isEncryptionWhole, KeyRing, type SegmentCipher } from './cipher.ts';

/*
 * The files of a log. A segment is `segment-<number>` in one of the data directories; a file that
 * waits to become one is `spare-<k>`. A segment is made so: a spare is filled with zeros (a new
 * one) or is an old segment renamed; the header is written and synced; then it gets its name, and
 * the directory is synced. So a file called `segment-…` always has a header, and a crash leaves a
 * spare. Writing over blocks that are allocated already makes a sync up to three times as quick.
 *
 *   header => magic version flags number salt capacity crc encryption?     the first `dataOffset`
 *   bytes, little-endian
 *     magic    => "MRLOG" and three zero bytes
 *     version  => UINT16
 *     flags    => UINT16   1: encrypted
 *     number   => FLOAT64
 *     salt     => UINT32   random: the seed of the CRCs of the records
 *     capacity => FLOAT64  the file's size
 *     crc      => UINT32   CRC-32C of what comes before it
 *     encryption           of what is encrypted: see cipher.ts; and once more at byte 2048, since
 *                          nothing can be read without it
 */
const magic = Buffer.from('MRLOG\0\0\0');
export const formatVersion = 1;
const flagEncrypted = 1;
/** Where what is said of the encryption lies. */
const encryptionOffsets = [36, 2048] as const;
/** Where the first record lies. */
export const dataOffset = 4096;
const pieceBytes = 1 << 20;

export interface Segment {
  readonly number: number;
  readonly path: string;
  readonly salt: number;
  /** The file's size: records may lie in `[dataOffset, capacity)`. */
  readonly capacity: number;
  /** Absent: it is not encrypted. */
  readonly cipher?: SegmentCipher;
}

export interface SegmentsOptions {
  readonly directories: readonly string[];
  /** The size of an ordinary segment. */
  readonly segmentBytes: number;
  /** No file is made that would leave less than this free. */
  readonly minimumFreeBytes: number;
  /** Spares kept; beyond that, what is not needed any more is deleted. */
  readonly maxSpares: number;
  /** Absent: nothing is encrypted, and what is can't be read. */
  readonly keys?: KeyRing;
}

class NoSpaceError extends ChannelError {}

class FlumeDataError extends ChannelError {
  constructor(directory: string, name: string) {
    super(
      `${directory} holds a file channel of Flume (${name}), which is not read: drain it with ` +
        'Flume, then remove its files, or give this channel other directories',
    );
  }
}

/** Makes, finds and gives up segments, one after the other: two must not take the same spare. */
export class Segments {
  readonly #options: SegmentsOptions;
  readonly #seams: Seams;
  readonly #keys: KeyRing;
  #spares: string[] = [];
  #spareCount = 0;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: SegmentsOptions, seams: Seams) {
    this.#options = options;
    this.#seams = seams;
    this.#keys = options.keys ?? new KeyRing();
  }

  /** The size of an ordinary segment. */
  get segmentBytes(): number {
    return this.#options.segmentBytes;
  }

  /** By how much encryption makes a record's payload longer, in bytes. */
  get sealBytes(): number {
    return this.#keys.sealBytes;
  }

  /**
   * Every segment that is there, lowest number first.
   * @throws ChannelError when a header is damaged, or its version is newer
   */
  async find(): Promise<Segment[]> {
    const segments: Segment[] = [];
    this.#spares = [];
    for (const directory of this.#options.directories) {
      await this.#seams.disk.makeDirectory(directory);
      // A spare whose name is not durable yet would be found as the segment that it was.
      await this.#seams.disk.syncDirectory(directory);
      for (const name of await this.#seams.disk.readDirectory(directory)) {
        const path = join(directory, name);
        const spare = /^spare-(\d+)$/.exec(name);
        if (spare) {
          this.#spares.push(path);
          this.#spareCount = Math.max(this.#spareCount, Number(spare[1]));
        }
        if (/^log-\d+\.meta$/.test(name)) throw new FlumeDataError(directory, name);
        if (/^segment-\d+$/.test(name)) segments.push(await this.#readHeader(path));
      }
    }
    return segments.sort((a, b) => a.number - b.number);
  }

  /**
   * A segment, ready to be written, with room for `bytes` of records at least.
   * @throws NoSpaceError when there is no spare and too little free space
   */
  make(number: number, bytes: number): Promise<{ segment: Segment; file: DiskFile }> {
    return this.#inTurn(() => this.#make(number, bytes));
  }

  /** Makes a segment a spare, or deletes it. Nothing in it may be needed. */
  giveUp(segment: Segment): Promise<void> {
    return this.#inTurn(() => this.#giveUp(segment));
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => {});
    return result;
  }

  async #make(number: number, bytes: number): Promise<{ segment: Segment; file: DiskFile }> {
    const { directories, segmentBytes } = this.#options;
    const capacity = Math.max(segmentBytes, dataOffset + bytes);
    const directory = directories[number % directories.length] as string;
    const path = await this.#spare(directory, capacity);
    const salt = this.#seams.random.bytes(4).readUInt32LE(0);
    const encryption = this.#keys.forNew(salt, this.#seams.random);
    const final = join(dirname(path), `segment-${number}`);
    const file = await this.#seams.disk.open(path, 'r+').catch((cause: unknown) => {
      this.#forgetSpare(path);
      throw new ChannelError(`prepare ${final}`, { cause });
    });
    try {
      await file.write([encodeHeader(number, salt, capacity, encryption?.header)], 0);
      await file.sync();
      await this.#seams.disk.rename(path, final);
      await this.#seams.disk.syncDirectory(dirname(path));
    } catch (error) {
      await file.close();
      // Else every further one would be made of it, in whatever directory it is.
      for (const left of [path, final]) await this.#seams.disk.unlink(left).catch(() => {});
      throw new ChannelError(`prepare ${final}`, { cause: error });
    } finally {
      this.#forgetSpare(path);
    }
    const cipher = encryption && { cipher: encryption.cipher };
    return { segment: { number, path: final, salt, capacity, ...cipher }, file };
  }

  #forgetSpare(path: string): void {
    this.#spares = this.#spares.filter((each) => each !== path);
  }

  async #giveUp(segment: Segment): Promise<void> {
    const { disk } = this.#seams;
    const { segmentBytes, maxSpares } = this.#options;
    const directory = dirname(segment.path);
    if (segment.capacity === segmentBytes && this.#spares.length < maxSpares) {
      const path = join(directory, `spare-${++this.#spareCount}`);
      await disk.rename(segment.path, path);
      await disk.syncDirectory(directory);
      this.#spares.push(path);
    } else {
      await disk.unlink(segment.path);
      await disk.syncDirectory(directory);
    }
  }

  /** A file of that size under a spare's name. */
  async #spare(directory: string, capacity: number): Promise<string> {
    const { segmentBytes, minimumFreeBytes } = this.#options;
    const { disk } = this.#seams;
    if (capacity === segmentBytes) {
      const own = this.#spares.find((path) => dirname(path) === directory) ?? this.#spares[0];
      const size = own && (await disk.stat(own).catch(() => undefined))?.size;
      if (own && size === capacity) return own;
      if (own) {
        this.#forgetSpare(own);
        // It is of another size: of no use, but for the room it takes.
        await disk.unlink(own).catch(() => {});
      }
    }
    const free = await disk.freeBytes(directory);
    if (free - capacity < minimumFreeBytes) {
      throw new NoSpaceError(
        `${directory} has ${free} bytes free: with another segment of ${capacity} it would have ` +
          `less than the ${minimumFreeBytes} of minimumRequiredSpace`,
      );
    }
    // The same name until that has worked: else each failure would look like another one.
    const path = join(directory, `spare-${this.#spareCount + 1}`);
    const file = await disk.open(path, 'w');
    try {
      const zeros = Buffer.alloc(Math.min(pieceBytes, capacity));
      for (let at = 0; at < capacity; at += zeros.length) {
        await file.write([zeros.subarray(0, Math.min(zeros.length, capacity - at))], at);
        // It is written from the event loop: everything else gets its turn in between.
        await this.#seams.clock.turn();
      }
      await file.sync();
    } catch (error) {
      await disk.unlink(path).catch(() => {});
      throw new ChannelError(`allocate ${path}`, { cause: error });
    } finally {
      await file.close();
    }
    this.#spareCount++;
    return path;
  }

  async #readHeader(path: string): Promise<Segment> {
    const file = await this.#seams.disk.open(path, 'r');
    try {
      const bytes = Buffer.alloc(dataOffset);
      for (let at = 0; at < dataOffset; ) {
        const read = await file.read(bytes, at, dataOffset - at, at);
        if (read === 0) break;
        at += read;
      }
      const segment = decodeHeader(bytes, path, this.#keys);
      const { size } = await file.stat();
      if (size >= segment.capacity) return segment;
      throw new ChannelError(`${path} is damaged: it ends at byte ${size} of ${segment.capacity}`);
    } finally {
      await file.close();
    }
  }
}

function encodeHeader(
  number: number,
  salt: number,
  capacity: number,
  encryption: Buffer | undefined,
): Buffer {
  // All of the header's block, so that a spare's old one is gone.
  const bytes = Buffer.alloc(dataOffset);
  magic.copy(bytes);
  bytes.writeUInt16LE(formatVersion, 8);
  if (encryption) bytes.writeUInt16LE(flagEncrypted, 10);
  bytes.writeDoubleLE(number, 12);
  bytes.writeUInt32LE(salt, 20);
  bytes.writeDoubleLE(capacity, 24);
  bytes.writeUInt32LE(crc32c(bytes.subarray(0, 32)), 32);
  if (encryption) for (const offset of encryptionOffsets) bytes.set(encryption, offset);
  return bytes;
}

function decodeHeader(bytes: Buffer, path: string, keys = new KeyRing()): Segment {
  const number = bytes.readDoubleLE(12);
  const sound =
    bytes.subarray(0, magic.length).equals(magic) &&
    bytes.readUInt32LE(32) === crc32c(bytes.subarray(0, 32)) &&
    basename(path) === `segment-${number}`;
  if (!sound) throw new ChannelError(`${path} is damaged: its header can't be read`);
  const version = bytes.readUInt16LE(8);
  if (version !== formatVersion) {
    throw new ChannelError(
      `${path} has format version ${version}, and this program reads ${formatVersion}: ` +
        'go back to the newer program, and drain the channel with it first',
    );
  }
  const salt = bytes.readUInt32LE(20);
  const segment = { number, path, salt, capacity: bytes.readDoubleLE(24) };
  const flags = bytes.readUInt16LE(10);
  if (flags === 0) return segment;
  const encryption = encryptionIn(bytes, salt);
  if (encryption) return { ...segment, cipher: keys.forStored(encryption, salt, path) };
  throw new ChannelError(`${path} is damaged: what its header says of its key can't be read`);
}

/** What a header says of the encryption, in the first of its two copies that is whole. */
export function encryptionIn(header: Buffer, salt: number): Buffer | undefined {
  const copies = encryptionOffsets.map((at) => header.subarray(at, at + encryptionBytes));
  return copies.find((copy) => isEncryptionWhole(copy, salt));
}
