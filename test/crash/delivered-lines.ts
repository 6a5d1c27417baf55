/**
 * Holds what file_roll delivered against what was written: every line once, whole, and in order
 * within what one file held. Nothing is taken on trust: a line counts when its text is exactly what
 * its own numbers say it must be.
 */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { outputFiles } from '../../testbed/flow-folder.ts';
import { numberedLine } from './numbered-log.ts';

/** What one log wrote. */
export interface WrittenLog {
  readonly name: string;
  readonly lines: number;
  readonly firstOfGeneration: readonly number[];
}

export interface Expectation {
  readonly logs: readonly WrittenLog[];
  /** Lines that an interceptor drops. */
  readonly suppressed?: (sequence: number) => boolean;
  /** Whether the order is promised: not when two sinks share a channel. */
  readonly ordered: boolean;
}

/** The most examples that a verdict names. */
const maxExamples = 5;

export class Verdict {
  lost = 0;
  doubled = 0;
  /** Lines that nobody wrote: torn, merged, or meant to be suppressed. */
  strange = 0;
  disordered = 0;
  delivered = 0;
  readonly examples: string[] = [];

  get isClean(): boolean {
    return this.lost + this.doubled + this.strange + this.disordered === 0;
  }

  add(kind: 'lost' | 'doubled' | 'strange' | 'disordered', example: string): void {
    this[kind]++;
    if (this.examples.length < maxExamples) this.examples.push(`${kind}: ${example}`);
  }

  toString(): string {
    const counts = `${this.delivered} delivered, ${this.lost} lost, ${this.doubled} doubled`;
    const rest = `${this.strange} strange, ${this.disordered} out of order`;
    return [`${counts}, ${rest}`, ...this.examples].join('\n  ');
  }
}

/**
 * @param folders what together must hold every line once
 * @param linesIn the lines in one of their files
 */
export function verifyDelivered(
  folders: readonly string[],
  expected: Expectation,
  linesIn: (path: string) => readonly string[] = linesOf,
): Verdict {
  const verdict = new Verdict();
  const seen = new Map(expected.logs.map((log) => [log.name, new Seen(log)]));
  for (const folder of folders) {
    for (const path of outputFiles(folder)) {
      for (const line of linesIn(path)) count(line, path, seen, expected, verdict);
    }
  }
  for (const { log, times } of seen.values()) {
    for (let sequence = 0; sequence < log.lines; sequence++) {
      if (expected.suppressed?.(sequence) || times[sequence]) continue;
      verdict.add('lost', `${log.name} ${sequence}`);
    }
  }
  return verdict;
}

class Seen {
  readonly log: WrittenLog;
  /** How often each line was delivered. */
  readonly times: Uint8Array;
  /** Per generation, the last line delivered. */
  readonly last: number[] = [];

  constructor(log: WrittenLog) {
    this.log = log;
    this.times = new Uint8Array(log.lines);
  }
}

function count(
  line: string,
  path: string,
  seen: ReadonlyMap<string, Seen>,
  expected: Expectation,
  verdict: Verdict,
): void {
  const [name = '', generationText, sequenceText] = line.split(' ', 3);
  const generation = Number(generationText);
  const sequence = Number(sequenceText);
  const of = seen.get(name);
  const written =
    of !== undefined &&
    generation === generationOf(of.log, sequence) &&
    line === numberedLine(name, generation, sequence) &&
    !expected.suppressed?.(sequence);
  if (!written) {
    verdict.add('strange', `${line.slice(0, 200)} (in ${path})`);
    return;
  }
  verdict.delivered++;
  of.times[sequence] = (of.times[sequence] ?? 0) + 1;
  if (of.times[sequence] !== 1) {
    verdict.add('doubled', `${name} ${sequence} (in ${path})`);
    return;
  }
  const last = of.last[generation] ?? -1;
  if (expected.ordered && sequence < last) {
    verdict.add('disordered', `${name} ${sequence} after ${last} (in ${path})`);
  }
  of.last[generation] = sequence;
}

function generationOf(log: WrittenLog, sequence: number): number | undefined {
  if (!(sequence >= 0 && sequence < log.lines)) return undefined;
  // From the back: what is asked for is mostly recent, and there are few.
  for (let index = log.firstOfGeneration.length - 1; index >= 0; index--) {
    if (sequence >= (log.firstOfGeneration[index] ?? 0)) return index;
  }
  return undefined;
}

/** A last line without a newline counts as one: it is torn, and will be found strange. */
function linesOf(path: string): string[] {
  const bytes = readFileSync(path);
  const text = (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('latin1');
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines;
}
