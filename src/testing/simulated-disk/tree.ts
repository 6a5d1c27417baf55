import { basename, dirname, resolve } from 'node:path/posix';
import type { Prng } from '../prng.ts';
import { type DirectoryChange, type Node, SimulatedDirectory } from './directory.ts';
import { SimulatedFile } from './file.ts';

const rootIno = 2;
const firstIno = 11;

/** All directories and files of a simulated disk, by path. Throws what Node's `fs` throws. */
export class Tree {
  readonly #root = new SimulatedDirectory(rootIno);
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  find(path: string): Node | undefined {
    return this.#walk(path, (directory, name) => directory.get(name));
  }

  /** What a power loss is sure to leave under this path. */
  findDurable(path: string): Node | undefined {
    return this.#walk(path, (directory, name) => directory.getDurable(name));
  }

  existing(path: string, syscall: string): Node {
    const node = this.find(path);
    if (!node) throw failure('ENOENT', syscall, path);
    return node;
  }

  file(path: string, syscall: string): SimulatedFile {
    const node = this.existing(path, syscall);
    if (isDirectory(node)) throw failure('EISDIR', syscall, path);
    return node;
  }

  directory(path: string, syscall: string): SimulatedDirectory {
    const node = this.existing(path, syscall);
    if (!isDirectory(node)) throw failure('ENOTDIR', syscall, path);
    return node;
  }

  /**
   * The file under that path after an open.
   * @param taken inode numbers that aren't free though no name leads to them
   */
  open(path: string, flags: string, taken: Iterable<number>): SimulatedFile {
    const found = this.find(path);
    if (!found) {
      if (flags.startsWith('r')) throw failure('ENOENT', 'open', path);
      const file = new SimulatedFile(this.#freeIno(taken));
      this.add(path, file, 'open');
      return file;
    }
    if (flags === 'wx') throw failure('EEXIST', 'open', path);
    if (isDirectory(found)) throw failure('EISDIR', 'open', path);
    if (flags === 'w' && found.length > 0) {
      found.truncate(0);
      found.mtimeMs = this.#now();
    }
    return found;
  }

  /** Makes what is missing of a path; returns every directory above. */
  makeDirectory(path: string, taken: Iterable<number>): SimulatedDirectory[] {
    const parents: SimulatedDirectory[] = [];
    let at = '/';
    for (const name of partsOf(path)) {
      at = resolve(at, name);
      const node = this.find(at);
      if (node && !isDirectory(node)) throw failure('ENOTDIR', 'mkdir', path);
      if (!node) this.add(at, new SimulatedDirectory(this.#freeIno(taken)), 'mkdir');
      parents.push(this.#parent(at, 'mkdir'));
    }
    return parents;
  }

  /** Gives a node that path for a name; nothing must have it. */
  add(path: string, node: Node, syscall: string): void {
    if (this.find(path)) throw failure('EEXIST', syscall, path);
    if (!isDirectory(node)) node.mtimeMs ||= this.#now();
    this.#change(this.#parent(path, syscall), { adds: { name: basename(resolve(path)), node } });
  }

  unlink(path: string): void {
    this.file(path, 'unlink');
    this.#change(this.#parent(path, 'unlink'), { removes: basename(resolve(path)) });
  }

  rename(from: string, to: string): void {
    const node = this.existing(from, 'rename');
    const target = this.find(to);
    if (node === target) return;
    if (target) assertReplaceable(target, node, to);
    const source = this.#parent(from, 'rename');
    const destination = this.#parent(to, 'rename');
    const removes = basename(resolve(from));
    const adds = { name: basename(resolve(to)), node };
    if (source === destination) {
      this.#change(source, { removes, adds });
      return;
    }
    const change = { adds };
    this.#change(destination, change);
    this.#change(source, { removes, needs: { directory: destination, change } });
  }

  /** Every file that processes can reach by a name. */
  files(): Set<SimulatedFile> {
    const files = new Set<SimulatedFile>();
    for (const node of reachable(this.#root, (directory) => directory.nodes())) {
      if (!isDirectory(node)) files.add(node);
    }
    return files;
  }

  losePower(prng: Prng): void {
    const directories = [...this.#possible()].filter((node) => isDirectory(node));
    for (const directory of directories) directory.survive(prng);
    for (const directory of directories) directory.forgetPending();
    for (const file of this.files()) file.losePower(prng);
  }

  #possible(): Set<Node> {
    return reachable(this.#root, (directory) => directory.possibleNodes());
  }

  #change(directory: SimulatedDirectory, change: DirectoryChange): void {
    directory.apply(change);
    directory.mtimeMs = this.#now();
  }

  #parent(path: string, syscall: string): SimulatedDirectory {
    return this.directory(dirname(resolve('/', path)), syscall);
  }

  /** The lowest number that is free, as ext4 gives it: a file soon has that of one removed. */
  #freeIno(taken: Iterable<number>): number {
    const used = new Set(taken);
    for (const node of this.#possible()) used.add(node.ino);
    let ino = firstIno;
    while (used.has(ino)) ino++;
    return ino;
  }

  #walk(
    path: string,
    step: (directory: SimulatedDirectory, name: string) => Node | undefined,
  ): Node | undefined {
    let node: Node | undefined = this.#root;
    for (const name of partsOf(path)) {
      if (!node || !isDirectory(node)) return undefined;
      node = step(node, name);
    }
    return node;
  }
}

export function isDirectory(node: Node): node is SimulatedDirectory {
  return node instanceof SimulatedDirectory;
}

/** An error as Node's `fs` makes them. */
export function failure(code: string, syscall: string, path: string): Error {
  const error = new Error(`${code}: simulated, ${syscall} '${path}'`);
  return Object.assign(error, { code, syscall, path });
}

function partsOf(path: string): string[] {
  return resolve('/', path).split('/').filter(Boolean);
}

function reachable(
  root: SimulatedDirectory,
  step: (directory: SimulatedDirectory) => Iterable<Node>,
): Set<Node> {
  const found = new Set<Node>([root]);
  for (const node of found) {
    if (!isDirectory(node)) continue;
    for (const child of step(node)) found.add(child);
  }
  return found;
}

function assertReplaceable(target: Node, by: Node, path: string): void {
  if (isDirectory(target) !== isDirectory(by)) {
    throw failure(isDirectory(target) ? 'EISDIR' : 'ENOTDIR', 'rename', path);
  }
  if (isDirectory(target) && target.names.length > 0) throw failure('ENOTEMPTY', 'rename', path);
}
