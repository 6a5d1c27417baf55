/**
 * The input of the benchmarks: an access log that is the same on every machine. 5,000,000 lines are
 * 978 MB. On its own it writes one: `node bench/generate-log.ts PATH [LINES] [SEED]`.
 */
import {
  closeSync,
  existsSync,
  openSync,
  renameSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';

export interface LogOptions {
  readonly lines: number;
  readonly seed?: number;
}

/** Lines are gathered up to this many characters before they are written. */
const chunkCharacters = 1 << 20;

const sections = ['item', 'category', 'cart', 'search', 'static/images', 'api/v2/orders', 'help'];
const methods = ['GET', 'GET', 'GET', 'GET', 'GET', 'GET', 'HEAD', 'POST', 'PUT'];
const statuses = ['200', '200', '200', '200', '200', '200', '304', '301', '404', '500'];
const referrers = [
  '-',
  'http://shop.example/',
  'https://shop.example/category/garden?page=2',
  'https://search.example/find?q=watering+can&lang=en',
];
const browsers = [
  'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0',
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) Browser/605.1.15 (like all others)',
  'curl/8.5.0',
  'ExampleBot/2.1 (+http://bot.example/info.html; it crawls politely)',
];
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** A line of an access log, in the combined format, without its newline. */
export type LineMaker = () => string;

/** The lines of one log, each from the one before: a seed gives the same lines for ever. */
export function accessLines(seed = 1): LineMaker {
  const random = randomNumbers(seed);
  const pick = (from: readonly string[]) => from[random() % from.length] as string;
  let timeMs = Date.UTC(2026, 0, 1);
  let stamp = '';
  let number = 0;
  return () => {
    if (number++ % 50 === 0) {
      timeMs += 1_000;
      stamp = stampOf(new Date(timeMs));
    }
    const bits = random();
    const [b, c, d] = [(bits >>> 6) & 255, (bits >>> 14) & 255, bits >>> 24];
    const address = `${10 + (bits & 63)}.${b}.${c}.${d}`;
    const path = `/${pick(sections)}/${random().toString(36)}?session=${random().toString(16)}`;
    const request = `${pick(methods)} ${path} HTTP/1.1`;
    const size = random() % 100_000;
    const answer = `${pick(statuses)} ${size}`;
    const client = `"${pick(referrers)}" "${pick(browsers)}"`;
    return `${address} - - [${stamp}] "${request}" ${answer} ${client}`;
  };
}

/** Makes the log unless it is there already, and gives its size in bytes. */
export function generateLog(path: string, options: LogOptions): number {
  const line = accessLines(options.seed);
  return writeLines(path, options.lines, line);
}

/** A log whose lines are all `lineBytes` long, newline included. */
export function generateEvenLog(path: string, lines: number, lineBytes: number): number {
  const source = accessLines();
  return writeLines(path, lines, () => {
    let text = source();
    while (text.length < lineBytes - 1) text += ` ${source()}`;
    return text.slice(0, lineBytes - 1);
  });
}

/** The access log dealt out to files, line by line in turn; gives the size of all. */
export function generateSplitLog(folder: string, lines: number, files: number): number {
  const line = accessLines();
  const texts = Array.from({ length: files }, () => [] as string[]);
  for (let index = 0; index < lines; index++) texts[index % files]?.push(line());
  let bytes = 0;
  for (const [index, text] of texts.entries()) {
    const content = `${text.join('\n')}\n`;
    bytes += content.length;
    writeFileSync(join(folder, `access-${index}.log`), content);
  }
  return bytes;
}

/** Writes to a name of its own first, so that a log that was cut short is never taken for whole. */
function writeLines(path: string, lines: number, line: LineMaker): number {
  if (existsSync(path)) return statSync(path).size;
  const partial = `${path}.partial`;
  const file = openSync(partial, 'w');
  let chunk = '';
  for (let index = 0; index < lines; index++) {
    chunk += `${line()}\n`;
    if (chunk.length < chunkCharacters) continue;
    writeSync(file, chunk, null, 'latin1');
    chunk = '';
  }
  if (chunk) writeSync(file, chunk, null, 'latin1');
  closeSync(file);
  renameSync(partial, path);
  return statSync(path).size;
}

function stampOf(date: Date): string {
  const two = (value: number) => String(value).padStart(2, '0');
  const day = `${two(date.getUTCDate())}/${months[date.getUTCMonth()]}/${date.getUTCFullYear()}`;
  const time = [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()].map(two).join(':');
  return `${day}:${time} +0000`;
}

/** Whole numbers from 0 to 2^32 - 1: Marsaglia's xorshift with the shifts 13, 17, 5. */
export function randomNumbers(seed: number): () => number {
  let state = Math.imul(seed, 0x9e3779b1) | 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

if (import.meta.main) {
  const [path = 'access.log', lines = '5000000', seed = '1'] = process.argv.slice(2);
  const bytes = generateLog(path, { lines: Number(lines), seed: Number(seed) });
  console.log(`${path}: ${bytes} bytes`);
}
