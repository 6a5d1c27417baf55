import { DirectoryInUseError } from '../core/directory-lock.ts';
import type { Disk, DiskFile, FileStat } from '../core/disk.ts';
import { Prng } from './prng.ts';
import { type Effect, SimulatedHandle, statOf } from './simulated-disk/handle.ts';
import { failure, isDirectory, Tree } from './simulated-disk/tree.ts';

export type OperationName = Exclude<keyof Disk, 'bootId'> | keyof DiskFile;

/** One call of `Disk` or of `DiskFile`. */
export interface DiskOperation {
  readonly name: OperationName;
  /** Of an open file, the path it was opened by; of a rename or link, the first one. */
  readonly path: string;
}

/** Which operations fail, and how. */
export interface Fault {
  /** Absent: any operation. */
  readonly operations?: readonly OperationName[];
  /** Absent: any path. */
  readonly path?: (path: string) => boolean;
  /** `EIO`, `ENOSPC`, `EROFS` … */
  readonly code: string;
  /** How many operations that fit pass before one fails; absent: none. */
  readonly after?: number;
  /** How many fail before the fault is over; absent: all. */
  readonly times?: number;
  /** The probability that one fails; absent: 1. */
  readonly chance?: number;
}

export interface SimulatedDiskOptions {
  /** The same seed and the same calls give the same run. Default: 1. */
  readonly seed?: number;
  /** Room for the contents of files; a write beyond gives `ENOSPC`. Default: no limit. */
  readonly capacityBytes?: number;
  /** For `mtimeMs`: milliseconds since 1970. Default: the number of operations so far. */
  readonly now?: () => number;
  /** May reads give less than was asked for, as `DiskFile.read` allows? Default: true. */
  readonly shortReads?: boolean;
  /** May a sync that fails throw away what readers saw, as on Btrfs? Default: true. */
  readonly failedSyncForgets?: boolean;
}

/** What every call on a disk gives after its `crash`. */
export class DiskCrashedError extends Error {
  readonly code = 'ECRASHED';
  constructor() {
    super('The machine crashed. Go on with the disk that crash() returned.');
    this.name = 'DiskCrashedError';
  }
}

/** The most turns of the microtask queue that one operation takes; so some overtake others. */
const maxDelayTurns = 6;

/** What outlives a crash. */
interface Device {
  readonly prng: Prng;
  readonly tree: Tree;
  readonly shortReads: boolean;
  readonly forgets: boolean;
  readonly now: () => number;
  operationCount: number;
  bootCount: number;
}

/**
 * A disk in memory on which crashes are tried out. It keeps apart what processes see and what is
 * durable:
 *
 * - Writes and truncations are durable once a `sync` of the file that began after them is over;
 *   creations, renames, links and removals, once a `syncDirectory` is. A synced file whose name
 *   isn't durable vanishes with the power. `makeDirectory` is durable by itself, as on the real
 *   disk.
 * - Until then any part may reach the disk: of a file, any sector of 512 bytes as any of the
 *   changes left it, and any length in between; of a directory, any of its changes, each whole.
 *   Names need not be in step with contents.
 * - A rename between directories may leave both names, never none.
 *
 * Operations in flight overtake each other, as they do in a thread pool. All repeats with the seed.
 */
export class SimulatedDisk implements Disk {
  /** Called as each operation begins; a `crash` in here leaves it undone, done or half done. */
  onOperation: ((operation: DiskOperation) => void) | undefined;
  /** Syncs report success, and nothing is durable. */
  lyingSync = false;
  capacityBytes: number;
  readonly #device: Device;
  readonly #faults: { readonly fault: Fault; seenCount: number; failedCount: number }[] = [];
  readonly #inFlight = new Set<Effect<unknown>>();
  readonly #handles = new Set<SimulatedHandle>();
  /** Gone with the process. */
  readonly #locks = new Set<string>();
  #crashed = false;

  constructor(options: SimulatedDiskOptions = {}, device = newDevice(options)) {
    this.capacityBytes = options.capacityBytes ?? Number.POSITIVE_INFINITY;
    this.#device = device;
  }

  /** Makes operations fail from now on. Returns how to end that. */
  fail(fault: Fault): () => void {
    const entry = { fault, seenCount: 0, failedCount: 0 };
    this.#faults.push(entry);
    return () => {
      const index = this.#faults.indexOf(entry);
      if (index >= 0) this.#faults.splice(index, 1);
    };
  }

  /**
   * Ends this disk's life: whatever is in flight and whatever is called on it and its files later
   * rejects with `DiskCrashedError`. Returns the disk as the next process finds it, without faults,
   * hook and lies.
   *
   * @param kind `process`: what was written is there; `power`: only what is durable surely is
   */
  crash(kind: 'process' | 'power'): SimulatedDisk {
    this.#assertAlive();
    const { prng } = this.#device;
    for (const effect of this.#inFlight) if (prng.chance(1 / 2)) attempt(effect.atCrash);
    this.#crashed = true;
    this.#handles.clear();
    if (kind === 'power') {
      this.#device.tree.losePower(prng);
      this.#device.bootCount++;
    }
    return new SimulatedDisk({ capacityBytes: this.capacityBytes }, this.#device);
  }

  /** Puts a file there with its directories, durable at once, as if it had always been there. */
  plant(path: string, contents: Buffer | string): void {
    const { tree } = this.#device;
    for (const parent of tree.makeDirectory(`${path}/..`, this.#openInos())) {
      parent.makeDurable(parent.pending);
    }
    const file = tree.open(path, 'w', this.#openInos());
    file.write(Buffer.from(contents), 0);
    file.sync();
    const directory = tree.directory(`${path}/..`, 'open');
    directory.makeDurable(directory.pending);
  }

  /** The bytes of a file as processes see them. */
  contents(path: string): Buffer {
    return this.#device.tree.file(path, 'open').contents();
  }

  /** The names in a directory as processes see them, sorted. */
  list(path: string): string[] {
    return this.#device.tree.directory(path, 'scandir').names.sort();
  }

  /** The bytes that are sure to be under this path after a power loss; `undefined`: no file is. */
  durableContents(path: string): Buffer | undefined {
    const node = this.#device.tree.findDurable(path);
    return node && !isDirectory(node) ? node.durableContents() : undefined;
  }

  /** The names that are sure to be in this directory after a power loss, sorted. */
  durableList(path: string): string[] {
    const node = this.#device.tree.findDurable(path);
    return node && isDirectory(node) ? node.durableNames.sort() : [];
  }

  /** The path of each open handle, as it was opened. */
  get openPaths(): string[] {
    return [...this.#handles].map(({ path }) => path);
  }

  /** What files take of the capacity, whole sectors, unlinked ones that are open included. */
  get usedBytes(): number {
    const files = this.#device.tree.files();
    for (const { file } of this.#handles) files.add(file);
    return [...files].reduce((sum, file) => sum + file.allocatedBytes, 0);
  }

  open(path: string, flags: 'r' | 'r+' | 'w' | 'wx'): Promise<DiskFile> {
    const { prng, now, shortReads, forgets } = this.#device;
    const create = () => this.#device.tree.open(path, flags, this.#openInos());
    const open = () => {
      const handle = new SimulatedHandle(create(), path, flags, {
        prng,
        now,
        shortReads,
        forgets,
        run: (name, effect) => this.#run({ name, path }, effect),
        freeBytes: () => this.#freeBytes(),
        lies: () => this.lyingSync,
        closed: () => void this.#handles.delete(handle),
      });
      this.#handles.add(handle);
      return handle;
    };
    return this.#run({ name: 'open', path }, { apply: open, atCrash: create });
  }

  readFile(path: string): Promise<Buffer> {
    return this.#run({ name: 'readFile', path }, { apply: () => this.contents(path) });
  }

  makeDirectory(path: string): Promise<void> {
    const make = () => this.#device.tree.makeDirectory(path, this.#openInos());
    const makeDurable = () => {
      for (const parent of make()) if (!this.lyingSync) parent.makeDurable(parent.pending);
    };
    return this.#run({ name: 'makeDirectory', path }, { apply: makeDurable, atCrash: make });
  }

  readDirectory(path: string): Promise<string[]> {
    const { prng, tree } = this.#device;
    const read = () => prng.shuffle(tree.directory(path, 'scandir').names);
    return this.#run({ name: 'readDirectory', path }, { apply: read });
  }

  stat(path: string): Promise<FileStat> {
    const stat = () => statOf(this.#device.tree.existing(path, 'stat'));
    return this.#run({ name: 'stat', path }, { apply: stat });
  }

  rename(from: string, to: string): Promise<void> {
    const rename = () => this.#device.tree.rename(from, to);
    return this.#run({ name: 'rename', path: from }, { apply: rename, atCrash: rename });
  }

  link(from: string, to: string): Promise<void> {
    const { tree } = this.#device;
    const link = () => tree.add(to, tree.file(from, 'link'), 'link');
    return this.#run({ name: 'link', path: from }, { apply: link, atCrash: link });
  }

  unlink(path: string): Promise<void> {
    const unlink = () => this.#device.tree.unlink(path);
    return this.#run({ name: 'unlink', path }, { apply: unlink, atCrash: unlink });
  }

  async syncDirectory(path: string): Promise<void> {
    this.#assertAlive();
    const { prng, tree } = this.#device;
    const directory = tree.find(path);
    if (!directory || !isDirectory(directory)) throw failure('ENOENT', 'open', path);
    const changes = directory.pending;
    const apply = () => this.lyingSync || directory.makeDurable(changes);
    const atFault = () => directory.survive(prng);
    await this.#run({ name: 'syncDirectory', path }, { apply, atFault });
  }

  async lock(path: string): Promise<() => Promise<void>> {
    this.#assertAlive();
    if (this.#locks.has(path)) throw new DirectoryInUseError(`${path} is in use`);
    this.#locks.add(path);
    return async () => void this.#locks.delete(path);
  }

  async freeBytes(): Promise<number> {
    this.#assertAlive();
    return this.#freeBytes();
  }

  async bootId(): Promise<string> {
    this.#assertAlive();
    return `boot-${this.#device.bootCount}`;
  }

  async #run<T>(operation: DiskOperation, effect: Effect<T>): Promise<T> {
    this.#assertAlive();
    this.#device.operationCount++;
    this.#inFlight.add(effect);
    try {
      this.onOperation?.(operation);
      const code = this.#faultFor(operation);
      for (let turns = this.#device.prng.integer(maxDelayTurns); turns >= 0; turns--) {
        await undefined;
      }
      this.#assertAlive();
      if (code === undefined) return effect.apply();
      attempt(effect.atFault);
      throw failure(code, operation.name, operation.path);
    } finally {
      this.#inFlight.delete(effect);
    }
  }

  #faultFor({ name, path }: DiskOperation): string | undefined {
    for (const entry of this.#faults) {
      const { operations, code, after = 0, times = Number.POSITIVE_INFINITY } = entry.fault;
      if (operations && !operations.includes(name)) continue;
      if (entry.fault.path && !entry.fault.path(path)) continue;
      if (entry.seenCount++ < after || entry.failedCount >= times) continue;
      if (!this.#device.prng.chance(entry.fault.chance ?? 1)) continue;
      entry.failedCount++;
      return code;
    }
    return undefined;
  }

  #freeBytes(): number {
    const { capacityBytes } = this;
    return capacityBytes === Number.POSITIVE_INFINITY
      ? capacityBytes
      : capacityBytes - this.usedBytes;
  }

  *#openInos(): Generator<number> {
    for (const { file } of this.#handles) yield file.ino;
  }

  #assertAlive(): void {
    if (this.#crashed) throw new DiskCrashedError();
  }
}

function newDevice(options: SimulatedDiskOptions): Device {
  const { seed = 1, shortReads = true, failedSyncForgets: forgets = true, now } = options;
  const device = { operationCount: 0, bootCount: 1, prng: new Prng(seed), shortReads, forgets };
  const time = now ?? (() => device.operationCount);
  return Object.assign(device, { now: time, tree: new Tree(time) });
}

/** What fails half way changes no more than it has; there is nobody to be told. */
function attempt(effect: (() => unknown) | undefined): void {
  try {
    effect?.();
  } catch {}
}
