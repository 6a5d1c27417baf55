/**
 * The input of the kill loop: a log whose every line says which it is, written and rotated the way
 * programs and logrotate do it. What it wrote is known to the last line, so that what was delivered
 * can be held against it.
 */
import {
  appendFileSync,
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  truncateSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { Prng } from '../../src/testing/prng.ts';

/** How a full file makes room for the next one. `settled`: the position file shows all of it. */
export const rotations = {
  none: 'the file only grows',
  rename: 'renamed, still matching the pattern; later deleted, once settled',
  'rename-away':
    'once the position file shows it, renamed to a name that the pattern does not match',
  'copy-inside': 'copied to a name that the pattern matches, then truncated',
  'copy-outside': 'once settled, copied to a name that the pattern does not match, then truncated',
  delete: 'once settled, deleted; the next file often gets its inode',
} as const;
export type Rotation = keyof typeof rotations;

export interface NumberedLogOptions {
  /** Stands in every line and in the file's name. */
  readonly name: string;
  /** The folder whose files beginning with `app` are tailed. */
  readonly folder: string;
  readonly rotation: Rotation;
  readonly linesPerFile: number;
  readonly positionFile: string;
  readonly random: Prng;
}

/** Old files beyond this number are deleted as soon as they are settled. */
const keptFiles = 3;

/** The line with this number, without its newline. Its text follows from what it says it is. */
export function numberedLine(name: string, generation: number, sequence: number): string {
  const padding = 'abcdefghijklmnopqrstuvwxyz'.repeat(6).slice(0, (sequence * 7) % 150);
  return `${name} ${generation} ${sequence} ${padding}.`;
}

export class NumberedLog {
  readonly name: string;
  /** The first sequence number of each generation: what one file held between rotations. */
  readonly firstOfGeneration: number[] = [0];
  /** Lines begun so far. */
  lines = 0;
  readonly #options: NumberedLogOptions;
  readonly #path: string;
  readonly #old: string[] = [];
  #file: number;
  /** The rest of a line of which the beginning is written. */
  #unfinished = '';

  constructor(options: NumberedLogOptions) {
    this.name = options.name;
    this.#options = options;
    this.#path = join(options.folder, `app-${options.name}.log`);
    this.#file = openSync(this.#path, 'a');
  }

  /** Appends some lines; the last one is often cut in the middle until the next call. */
  write(count: number): void {
    const { random } = this.#options;
    // Some rotations need the file to be settled to its end; others only come later.
    if (this.#isFull() && !this.#rotate() && this.#options.rotation !== 'rename-away') return;
    let text = this.#unfinished;
    for (let index = 0; index < count; index++) text += `${this.#nextLine()}\n`;
    const cut = random.chance(0.5) ? 1 + random.integer(40) : 0;
    this.#unfinished = cut ? text.slice(-cut) : '';
    writeSync(this.#file, cut ? text.slice(0, -cut) : text);
  }

  /** Completes the last line. */
  finish(): void {
    if (this.#unfinished) writeSync(this.#file, this.#unfinished);
    this.#unfinished = '';
  }

  close(): void {
    closeSync(this.#file);
  }

  /** Whether the position file shows all of every file that is still there. */
  isSettled(): boolean {
    const present = [this.#path, ...this.#old].filter((path) => existsSync(path));
    return present.every((path) => this.#pathIsSettled(path));
  }

  #nextLine(): string {
    return numberedLine(this.name, this.firstOfGeneration.length - 1, this.lines++);
  }

  #isFull(): boolean {
    const begun = this.firstOfGeneration.at(-1) ?? 0;
    return this.#options.rotation !== 'none' && this.lines - begun >= this.#options.linesPerFile;
  }

  /** False while the rotation has to wait: then nothing may be written. */
  #rotate(): boolean {
    this.finish();
    const generation = this.firstOfGeneration.length;
    const { rotation, folder } = this.#options;
    const inside = `${this.#path}.${generation}`;
    const outside = join(folder, `old-${this.name}.log.${generation}`);
    switch (rotation) {
      case 'none':
        return true;
      case 'rename':
      case 'rename-away':
        // What no agent ever saw under a name that matches is not its to deliver.
        if (rotation === 'rename-away' && !this.#isShown(this.#path)) return false;
        renameSync(this.#path, rotation === 'rename' ? inside : outside);
        this.#reopen();
        break;
      case 'copy-inside':
        if (!this.#copy(inside)) return false;
        truncateSync(this.#path);
        break;
      case 'copy-outside':
        if (!this.#pathIsSettled(this.#path)) return false;
        if (!this.#copy(join(dirname(folder), `copy-of-${this.name}.${generation}`))) return false;
        truncateSync(this.#path);
        break;
      case 'delete':
        if (!this.#pathIsSettled(this.#path)) return false;
        unlinkSync(this.#path);
        this.#reopen();
        break;
    }
    if (existsSync(inside)) this.#old.push(inside);
    this.#deleteOldest();
    this.firstOfGeneration.push(this.lines);
    return true;
  }

  /** Copies another piece; true once the copy is whole. The agent sees, and dies, in between. */
  #copy(to: string): boolean {
    const content = readFileSync(this.#path);
    const copied = existsSync(to) ? statSync(to).size : 0;
    const piece = Math.ceil(content.length / (1 + this.#options.random.integer(4)));
    appendFileSync(to, content.subarray(copied, copied + piece));
    return copied + piece >= content.length;
  }

  #deleteOldest(): void {
    const [oldest] = this.#old;
    if (this.#old.length <= keptFiles || !oldest || !this.#pathIsSettled(oldest)) return;
    unlinkSync(oldest);
    this.#old.shift();
  }

  #reopen(): void {
    closeSync(this.#file);
    this.#file = openSync(this.#path, 'a');
  }

  /**
   * Exactly its size: a position beyond it is of what the file held before, cut back or deleted
   * while the agent was down, and says nothing of what it holds now.
   */
  #pathIsSettled(path: string): boolean {
    const { size } = statSync(path);
    return size === 0 || this.#positionOf(path) === size;
  }

  #isShown(path: string): boolean {
    return (this.#positionOf(path) ?? 0) > 0;
  }

  /** `undefined`: the position file does not show it. */
  #positionOf(path: string): number | undefined {
    const { ino } = statSync(path);
    const positions = positionsOf(this.#options.positionFile);
    return positions.find(({ inode, file }) => inode === ino && file === path)?.pos;
  }
}

interface Position {
  readonly inode: number;
  readonly pos: number;
  readonly file: string;
}

/** What the position file says; nothing while it is absent or half written. */
function positionsOf(path: string): readonly Position[] {
  try {
    const parsed: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return Array.isArray(parsed) ? parsed : [];
  } catch {
    return [];
  }
}
