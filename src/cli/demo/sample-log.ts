import {
  closeSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';

const linesPerSecond = 20_000;
const tickMs = 50;
/** After a pause of the process the log does not catch up all at once. */
const maxLinesPerTick = linesPerSecond / 4;
const rotateBytes = 4 << 20;
const keptFiles = 8;
/** More than a line is long: the end of the log is looked for in this much. */
const tailBytes = 4096;

/**
 * A log as a busy program writes it: each line with its number, from 1 on, renamed every few
 * megabytes to `app.log.<number>`, of which the last few are kept.
 */
export class SampleLog {
  /** The number of the last line. */
  lines: number;
  readonly #directory: string;
  #file: number;
  #bytes: number;
  #timer: NodeJS.Timeout | undefined;
  #lastTick = 0;

  /** Opens the log and goes on with the number after its last line. */
  constructor(directory: string) {
    mkdirSync(directory, { recursive: true });
    this.#directory = directory;
    this.#file = openSync(join(directory, 'app.log'), 'a+');
    const end = lastLine(this.#file);
    // A line that a crash has cut was never whole, so nobody has read it.
    ftruncateSync(this.#file, end.length);
    this.#bytes = end.length;
    this.lines = end.number || this.#lastRotatedLine();
  }

  start(): void {
    this.#lastTick = performance.now();
    this.#timer = setInterval(() => this.#tick(), tickMs);
  }

  stop(): void {
    clearInterval(this.#timer);
    closeSync(this.#file);
  }

  #tick(): void {
    const now = performance.now();
    const due = Math.round(((now - this.#lastTick) * linesPerSecond) / 1000);
    const count = Math.min(due, maxLinesPerTick);
    this.#lastTick = now;
    this.write(count);
  }

  /** Writes so many lines at once, and then begins a new file if this one is large enough. */
  write(count: number): void {
    const time = new Date().toISOString();
    let text = '';
    for (let index = 0; index < count; index++) text += sampleLine(++this.lines, time);
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length; ) at += writeSync(this.#file, bytes, at);
    this.#bytes += bytes.length;
    if (this.#bytes >= rotateBytes) this.#rotate();
  }

  #rotate(): void {
    const path = join(this.#directory, 'app.log');
    closeSync(this.#file);
    renameSync(path, `${path}.${this.lines}`);
    this.#file = openSync(path, 'a+');
    this.#bytes = 0;
    for (const old of this.#rotated().slice(0, -keptFiles)) unlinkSync(`${path}.${old}`);
  }

  /** The last line numbers of the renamed files, oldest first. */
  #rotated(): number[] {
    return readdirSync(this.#directory)
      .map((name) => Number(/^app\.log\.(\d+)$/.exec(name)?.[1]))
      .filter((number) => number > 0)
      .sort((a, b) => a - b);
  }

  #lastRotatedLine(): number {
    return this.#rotated().at(-1) ?? 0;
  }
}

const paths = ['/', '/login', '/items', '/items/search', '/cart', '/cart/pay', '/help', '/health'];

function sampleLine(number: number, time: string): string {
  const path = paths[number % paths.length];
  const status = number % 97 === 0 ? 500 : 200;
  const tookMs = 1 + ((number * 7919) % 180);
  return `${time} n=${number} GET ${path} ${status} ${tookMs}ms user-${number % 4099}\n`;
}

/** The number in a line of the sample log; 0 for any other line. */
export function lineNumber(line: string): number {
  return Number(/ n=(\d+) /.exec(line)?.[1] ?? 0);
}

/** The length of a file up to the end of its last whole line, and the number in that line. */
function lastLine(file: number): { length: number; number: number } {
  const { size } = fstatSync(file);
  const tail = Buffer.alloc(Math.min(size, tailBytes));
  readSync(file, tail, 0, tail.length, size - tail.length);
  const end = tail.lastIndexOf('\n') + 1;
  const lines = tail.toString('latin1', 0, end).trimEnd().split('\n');
  return { length: size - tail.length + end, number: lineNumber(lines.at(-1) ?? '') };
}
