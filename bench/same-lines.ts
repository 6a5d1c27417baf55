/** Whether an agent wrote what it read, for inputs too big to hold in memory. */
import { createReadStream, readdirSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from '@node-rs/crc32';

const chunkBytes = 1 << 20;
const newline = 10;

/** What tells the output from the input, in words; `undefined` when nothing does. */
export async function differenceOf(input: string, output: string): Promise<string | undefined> {
  const read = filesOf(input).filter((path) => path.endsWith('log'));
  const written = filesOf(output);
  const [onlyRead, ...otherRead] = read;
  const [onlyWritten, ...otherWritten] = written.filter(Boolean);
  if (onlyRead && onlyWritten && otherRead.length + otherWritten.length === 0) {
    return differingByte(onlyRead, onlyWritten);
  }
  const before = await sumOfLines(read);
  const after = await sumOfLines(written);
  if (before.lines !== after.lines) return `${before.lines} lines in, ${after.lines} lines out`;
  return before.sum === after.sum ? undefined : 'as many lines out as in, but not the same ones';
}

async function differingByte(left: string, right: string): Promise<string | undefined> {
  const files = [await open(left), await open(right)] as const;
  const buffers = [Buffer.alloc(chunkBytes), Buffer.alloc(chunkBytes)] as const;
  try {
    for (let offset = 0; ; offset += chunkBytes) {
      const [a, b] = await Promise.all([
        files[0].read(buffers[0], 0, chunkBytes, offset),
        files[1].read(buffers[1], 0, chunkBytes, offset),
      ]);
      const same = buffers[0].subarray(0, a.bytesRead).equals(buffers[1].subarray(0, b.bytesRead));
      if (!same) return `the output differs from the input within 1 MiB after byte ${offset}`;
      if (a.bytesRead === 0) return undefined;
    }
  } finally {
    for (const file of files) await file.close();
  }
}

/** How many lines, and a sum over them that no order changes. */
export async function sumOfLines(
  paths: readonly string[],
): Promise<{ lines: number; sum: number }> {
  let lines = 0;
  let sum = 0;
  for (const path of paths) {
    let rest: Buffer = Buffer.alloc(0);
    for await (const chunk of createReadStream(path, { highWaterMark: chunkBytes })) {
      const bytes = rest.length ? Buffer.concat([rest, chunk as Buffer]) : (chunk as Buffer);
      let from = 0;
      for (let to = bytes.indexOf(newline); to >= 0; to = bytes.indexOf(newline, from)) {
        sum = (sum + crc32(bytes.subarray(from, to))) % 2 ** 48;
        lines++;
        from = to + 1;
      }
      rest = bytes.subarray(from);
    }
    if (rest.length) {
      sum = (sum + crc32(rest)) % 2 ** 48;
      lines++;
    }
  }
  return { lines, sum };
}

function filesOf(folder: string): string[] {
  return readdirSync(folder).map((name) => join(folder, name));
}
