import { isAscii, isUtf8 } from 'node:buffer';
import { charsetNamed } from '../../framing/charset.ts';
import type { LineRun } from '../../framing/line-run.ts';
import { copyWellFormed } from '../../framing/utf8.ts';

/** Gives lines whose bytes are all characters: the same where they are already. */
export type WellFormed = (run: LineRun) => LineRun;

const questionMark = 0x3f;

/**
 * What Flume makes of bytes by decoding them and encoding them again, in the same charset: nothing,
 * but for those that are no character. In UTF-8 these become U+FFFD, in ASCII a question mark. In
 * other charsets they are left as they are.
 *
 * @returns `undefined` for a charset in which lines can't be told from bytes, or that is unknown
 */
export function wellFormed(charset: string): WellFormed | undefined {
  const known = charsetNamed(charset);
  if (known?.kind === 'utf-8') return wellFormedUtf8;
  if (known?.name === 'us-ascii') return wellFormedAscii;
  return known?.kind === 'single' || known?.kind === 'multi' ? (run) => run : undefined;
}

function wellFormedUtf8(run: LineRun): LineRun {
  const there = allOf(run);
  if (isUtf8(there)) return run;
  const bytes = Buffer.allocUnsafe(there.length * 3);
  const copy = copyOf(run, bytes);
  let end = 0;
  for (let row = 0; row < run.count; row++) {
    copy.starts[row] = end;
    const [from, to] = [run.starts[row] as number, run.ends[row] as number];
    end = copyWellFormed(run.bytes, from, to, true, bytes, end);
    copy.ends[row] = end;
  }
  return copy;
}

function wellFormedAscii(run: LineRun): LineRun {
  const there = allOf(run);
  if (isAscii(there)) return run;
  const bytes = Buffer.from(there);
  const copy = copyOf(run, bytes);
  const shift = run.starts[0] as number;
  for (let at = 0; at < bytes.length; at++) {
    if ((bytes[at] as number) > 0x7f) bytes[at] = questionMark;
  }
  for (let row = 0; row < run.count; row++) {
    copy.starts[row] = (run.starts[row] as number) - shift;
    copy.ends[row] = (run.ends[row] as number) - shift;
  }
  return copy;
}

function allOf({ bytes, count, starts, ends }: LineRun): Buffer {
  return bytes.subarray(starts[0], ends[count - 1]);
}

function copyOf({ count, cut }: LineRun, bytes: Buffer): LineRun {
  return { bytes, count, starts: new Uint32Array(count), ends: new Uint32Array(count), cut };
}
