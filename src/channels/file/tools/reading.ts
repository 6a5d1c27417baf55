import { randomBytes } from 'node:crypto';
import { type Clock, type Random, systemClock } from '../../../core/clock.ts';
import type { Disk, DiskFile } from '../../../core/disk.ts';
import { silentLogger } from '../../../core/log.ts';
import { type EncryptionOptions, KeyRing } from '../cipher.ts';
import { type OpenedLog, openLog } from '../open.ts';
import { Segments } from '../segments.ts';
import { Snapshots } from '../snapshots.ts';

/** Where a channel keeps its files. */
export interface ChannelPlace {
  readonly dataDirectories: readonly string[];
  readonly checkpointDirectory: string;
  /** Absent: nothing is encrypted, or what is can't be read. */
  readonly encryption?: EncryptionOptions;
}

export const seams: { readonly clock: Clock; readonly random: Random } = {
  clock: systemClock,
  random: { next: Math.random, bytes: (count) => randomBytes(count) },
};

export const readingOptions = { segmentBytes: 0, minimumFreeBytes: 0, maxSpares: 0 } as const;

/**
 * A disk that can only be read: what opening a log would write, records that are written again as
 * they are, is dropped. A directory that is not there has nothing in it.
 */
export class ReadingDisk implements Disk {
  readonly #disk: Disk;

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  async open(path: string): Promise<DiskFile> {
    const file = await this.#disk.open(path, 'r');
    return {
      read: (buffer, at, length, position) => file.read(buffer, at, length, position),
      write: async () => {},
      sync: async () => {},
      truncate: () => refuse('truncate'),
      stat: () => file.stat(),
      close: () => file.close(),
    };
  }

  async readDirectory(path: string): Promise<string[]> {
    try {
      return await this.#disk.readDirectory(path);
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
      throw error;
    }
  }

  readFile = (path: string) => this.#disk.readFile(path);
  stat = (path: string) => this.#disk.stat(path);
  freeBytes = (path: string) => this.#disk.freeBytes(path);
  bootId = () => this.#disk.bootId();
  makeDirectory = async () => {};
  syncDirectory = async () => {};
  rename = () => refuse('rename');
  link = () => refuse('link');
  unlink = () => refuse('unlink');
  lock = () => refuse('lock');
}

function refuse(what: string): Promise<never> {
  return Promise.reject(new Error(`${what}: the files are only read`));
}

/**
 * What opens the segments; as a part of their options. @throws ChannelError: a key can't be read
 */
export async function keysOf(
  { encryption }: ChannelPlace,
  disk: Disk,
): Promise<{ keys?: KeyRing }> {
  return encryption ? { keys: await KeyRing.load(encryption, disk, silentLogger) } : {};
}

/**
 * The channel's state, read without changing anything.
 * @throws DamageError, ChannelError; beside a running agent also errors of files that went
 *   meanwhile
 */
export async function openForReading(place: ChannelPlace, disk: Disk): Promise<OpenedLog> {
  const reading = new ReadingDisk(disk);
  const keys = await keysOf(place, disk);
  const segments = new Segments(
    { ...readingOptions, ...keys, directories: place.dataDirectories },
    { ...seams, disk: reading },
  );
  const snapshots = new Snapshots(place.checkpointDirectory, reading);
  return openLog(segments, snapshots, reading, silentLogger);
}
