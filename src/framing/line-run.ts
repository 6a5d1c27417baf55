import { grown } from '../core/columns.ts';

/** Lines within some bytes, as columns; valid until the next ones are found. */
export interface LineRun {
  bytes: Buffer;
  count: number;
  /** Per line, where it begins and ends: without its newline. */
  starts: Uint32Array;
  ends: Uint32Array;
  /** Per line: 1 when it was cut at the limit, so that the next one goes on with it. */
  cut: Uint8Array;
}

const nothing = Buffer.alloc(0);
const firstCapacity = 1024;

export function newRun(): LineRun {
  return {
    bytes: nothing,
    count: 0,
    starts: new Uint32Array(firstCapacity),
    ends: new Uint32Array(firstCapacity),
    cut: new Uint8Array(firstCapacity),
  };
}

export function appendLine(run: LineRun, start: number, end: number, cut: 0 | 1): void {
  const row = run.count++;
  if (row === run.starts.length) {
    run.starts = grown(run.starts, new Uint32Array(row * 2));
    run.ends = grown(run.ends, new Uint32Array(row * 2));
    run.cut = grown(run.cut, new Uint8Array(row * 2));
  }
  run.starts[row] = start;
  run.ends[row] = end;
  run.cut[row] = cut;
}
