import type { Prng } from '../prng.ts';

/** What a device writes whole or not at all, in bytes. */
const sectorBytes = 512;

/** A write, or a cut or extension of the file: what the page cache knows and the disk may not. */
type Change =
  | { readonly id: number; readonly position: number; readonly bytes: Buffer }
  | { readonly id: number; readonly length: number };

/**
 * One file of a simulated disk, twice: as every process sees it (the page cache), and as the disk
 * has it, which is that without the pending changes. A file has no name: directories do that.
 */
export class SimulatedFile {
  readonly ino: number;
  mtimeMs = 0;
  #cached = new Content();
  #durable = new Content();
  #pending: Change[] = [];
  #lastId = 0;

  constructor(ino: number) {
    this.ino = ino;
  }

  get length(): number {
    return this.#cached.length;
  }

  /** What the file takes of the disk: its sectors that were written, in bytes. */
  get allocatedBytes(): number {
    return this.#cached.sectors.size * sectorBytes;
  }

  /** Names what was changed so far, for `sync`. */
  get lastChange(): number {
    return this.#lastId;
  }

  contents(): Buffer {
    return this.#cached.copy();
  }

  durableContents(): Buffer {
    return this.#durable.copy();
  }

  read(buffer: Buffer, bufferOffset: number, length: number, position: number): number {
    return this.#cached.read(buffer, bufferOffset, length, position);
  }

  /** How many bytes of a write find room when the file may take `freeBytes` more of the disk. */
  fitting(position: number, length: number, freeBytes: number): number {
    let left = freeBytes;
    for (const sector of sectorsOf(position, length)) {
      if (!this.#cached.sectors.has(sector)) left -= sectorBytes;
      if (left < 0) return Math.max(0, sector * sectorBytes - position);
    }
    return length;
  }

  /** @param bytes the file's own from here on */
  write(bytes: Buffer, position: number): void {
    if (bytes.length > 0) this.#change({ id: ++this.#lastId, position, bytes });
  }

  truncate(length: number): void {
    this.#change({ id: ++this.#lastId, length });
  }

  /** Makes everything durable that was changed no later than the change `upTo`. */
  sync(upTo = this.#lastId): void {
    for (const change of this.#pending) if (change.id <= upTo) this.#durable.apply(change);
    this.#pending = this.#pending.filter((change) => change.id > upTo);
  }

  /**
   * What a sync that fails leaves: some of the changes are on the disk, and no later sync will
   * write the others, though readers may go on seeing them.
   *
   * @param forgets may readers see what the disk has from then on? Btrfs does that; ext4, XFS don't
   */
  failSync(prng: Prng, forgets: boolean): void {
    this.#durable = this.#survivors(prng);
    this.#pending = [];
    if (forgets && prng.chance(1 / 4)) this.#cached = this.#durable.clone();
  }

  /** The power went: what every process sees from now on is what the disk has. */
  losePower(prng: Prng): void {
    this.#durable = this.#survivors(prng);
    this.#pending = [];
    this.#cached = this.#durable.clone();
  }

  #change(change: Change): void {
    this.#cached.apply(change);
    this.#pending.push(change);
  }

  /**
   * A content that the disk may be left with. The kernel writes each sector back whenever it
   * likes, as it is at that moment: so each is found as one of the changes left it, or as it was
   * before. The length is that of some moment too, or, as blocks are written one by one, anything
   * in between.
   */
  #survivors(prng: Prng): Content {
    const mood = prng.pick(['nothing', 'everything', 'some', 'some'] as const);
    const survivors = this.#durable.clone();
    if (mood === 'nothing') return survivors;
    const touching = new Map<number, number[]>();
    const lengths = [survivors.length];
    const image = this.#durable.clone();
    for (const change of this.#pending) {
      for (const sector of image.touchedBy(change)) {
        const ids = touching.get(sector);
        if (ids) ids.push(change.id);
        else touching.set(sector, [change.id]);
      }
      image.apply(change);
      lengths.push(image.length);
    }
    if (mood === 'everything') return image;

    const probability = prng.next();
    /** Per sector, the change after which it was written back last. */
    const writtenBack = new Map<number, number>();
    for (const [sector, ids] of touching) {
      if (prng.chance(probability)) writtenBack.set(sector, prng.pick(ids));
    }
    const replayed = this.#durable.clone();
    for (const change of this.#pending) {
      const sectors = [...replayed.touchedBy(change)];
      replayed.apply(change);
      for (const sector of sectors) {
        if (writtenBack.get(sector) === change.id) survivors.copySector(replayed, sector);
      }
    }
    survivors.setLength(someLength(prng, lengths));
    return survivors;
  }
}

function someLength(prng: Prng, lengths: readonly number[]): number {
  if (prng.chance(3 / 4)) return prng.pick(lengths);
  const [least, most] = [Math.min(...lengths), Math.max(...lengths)];
  const sectorCount = Math.ceil((most - least) / sectorBytes);
  return Math.min(least + prng.integer(sectorCount + 1) * sectorBytes, most);
}

function* sectorsOf(position: number, length: number): Generator<number> {
  if (length === 0) return;
  const last = Math.floor((position + length - 1) / sectorBytes);
  for (let sector = Math.floor(position / sectorBytes); sector <= last; sector++) yield sector;
}

/** Bytes that grow; all that is beyond `length` is zero. */
class Content {
  #bytes = Buffer.alloc(0);
  #length = 0;
  /** Sectors that were written: the others are holes, which read as zeros. */
  readonly sectors = new Set<number>();

  get length(): number {
    return this.#length;
  }

  apply(change: Change): void {
    if ('length' in change) {
      this.setLength(change.length);
      return;
    }
    const end = change.position + change.bytes.length;
    this.#reserve(end);
    change.bytes.copy(this.#bytes, change.position);
    this.#length = Math.max(this.#length, end);
    for (const sector of sectorsOf(change.position, change.bytes.length)) this.sectors.add(sector);
  }

  /** The sectors whose bytes the change will change. */
  touchedBy(change: Change): Iterable<number> {
    if (!('length' in change)) return sectorsOf(change.position, change.bytes.length);
    return sectorsOf(change.length, Math.max(0, this.#length - change.length));
  }

  setLength(length: number): void {
    this.#reserve(length);
    if (length < this.#length) this.#bytes.fill(0, length, this.#length);
    this.#length = length;
    for (const sector of this.sectors) {
      if (sector * sectorBytes >= length) this.sectors.delete(sector);
    }
  }

  /** Takes over a sector as another content has it, beyond the length too. */
  copySector(other: Content, sector: number): void {
    const from = sector * sectorBytes;
    this.#reserve(from + sectorBytes);
    other.#reserve(from + sectorBytes);
    other.#bytes.copy(this.#bytes, from, from, from + sectorBytes);
    this.#length = Math.max(this.#length, from + sectorBytes);
    this.sectors.add(sector);
  }

  read(buffer: Buffer, bufferOffset: number, length: number, position: number): number {
    const end = Math.min(position + length, this.#length);
    return position < end ? this.#bytes.copy(buffer, bufferOffset, position, end) : 0;
  }

  copy(): Buffer {
    return Buffer.from(this.#bytes.subarray(0, this.#length));
  }

  clone(): Content {
    const clone = new Content();
    clone.#bytes = Buffer.from(this.#bytes);
    clone.#length = this.#length;
    for (const sector of this.sectors) clone.sectors.add(sector);
    return clone;
  }

  #reserve(length: number): void {
    if (length <= this.#bytes.length) return;
    const larger = Buffer.alloc(Math.max(length, this.#bytes.length * 2, 4 * sectorBytes));
    this.#bytes.copy(larger);
    this.#bytes = larger;
  }
}
