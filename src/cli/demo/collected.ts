import { createReadStream, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** What the files of the sink hold of the sample log. */
export interface Collected {
  readonly files: number;
  readonly lines: number;
  /** Lines whose number was there already. */
  readonly doubles: number;
}

const newline = 10;
const digit0 = 48;
const digit9 = 57;

/**
 * Reads every file of the sink and looks at the number of each line.
 *
 * @param lines the highest number there can be
 */
export async function readCollected(directory: string, lines: number): Promise<Collected> {
  const seen = new Uint8Array(Math.ceil((lines + 1) / 8));
  const names = readdirSync(directory);
  let count = 0;
  let doubles = 0;
  const onLine = (number: number) => {
    count++;
    const bit = 1 << (number & 7);
    const at = number >> 3;
    if (((seen[at] ?? 0) & bit) !== 0) doubles++;
    seen[at] = (seen[at] ?? 0) | bit;
  };
  for (const name of names) await readNumbers(join(directory, name), onLine);
  return { files: names.length, lines: count, doubles };
}

/** Calls back for each line, with the digits after its first `n=`. */
async function readNumbers(path: string, onLine: (number: number) => void): Promise<void> {
  let number = 0;
  let state: 'before' | 'n' | 'digits' | 'after' = 'before';
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
    const bytes: Buffer = chunk;
    for (const byte of bytes) {
      if (byte === newline) {
        onLine(number);
        number = 0;
        state = 'before';
      } else if (state === 'digits') {
        if (byte >= digit0 && byte <= digit9) number = number * 10 + byte - digit0;
        else state = 'after';
      } else if (state === 'n') state = byte === 61 ? 'digits' : 'before';
      else if (state === 'before' && byte === 110) state = 'n';
    }
  }
}

/** How many files the sink has made. */
export function fileCount(directory: string): number {
  return readdirSync(directory).length;
}
