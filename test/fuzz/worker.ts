import { workerData } from 'node:worker_threads';
import { Prng } from '../../src/testing/prng.ts';
import { maxInputBytes, mutate } from './mutate.ts';
import type { FuzzTarget } from './target.ts';
import { targets } from './targets.ts';

/** An input that takes more of the processor than this is a finding; a busy machine is none. */
const maxInputMs = 1_000;
/** Inputs that are kept to be mutated. */
const maxCorpus = 300;
/** Answers that are remembered. */
const maxKinds = 10_000;

/** What the thread that watches hands over. */
export interface FuzzJob {
  readonly target: string;
  readonly seed: number;
  readonly milliseconds: number;
  /** This input alone, instead of mutated ones. */
  readonly only: Uint8Array | undefined;
  /** Written here, so that it can be read while an input hangs. */
  readonly shared: SharedArrayBuffer;
}

/** Before the input's bytes: how many inputs were begun, how many bytes the newest has. */
const headBytes = 8;
export const sharedBytes = headBytes + maxInputBytes;

export function beganInputs(shared: SharedArrayBuffer): number {
  return Atomics.load(new Int32Array(shared, 0, 2), 0);
}

/** The input that was begun last. */
export function newestInput(shared: SharedArrayBuffer): Buffer {
  const length = Atomics.load(new Int32Array(shared, 0, 2), 1);
  return Buffer.from(new Uint8Array(shared, headBytes, length));
}

async function fuzz(job: FuzzJob): Promise<void> {
  const target = targets.find(({ name }) => name === job.target);
  if (!target) throw new Error(`there is no target ${job.target}`);
  const attempt = (input: Buffer) => attemptInput(target, input, job.shared);
  if (job.only) await attempt(Buffer.from(job.only));
  else await fuzzFor(target, job, attempt);
  await target.stop?.();
}

async function fuzzFor(
  target: FuzzTarget,
  { seed, milliseconds }: FuzzJob,
  attempt: (input: Buffer) => Promise<string>,
): Promise<void> {
  const prng = new Prng(seed);
  const corpus = [...target.seeds()];
  const kinds = new Set<string>();
  const end = performance.now() + milliseconds;
  for (const input of corpus) kinds.add(await attempt(input));
  while (performance.now() < end) {
    const material = { tokens: target.tokens, other: prng.pick(corpus) };
    const mutated = mutate(prng.pick(corpus), prng, material);
    const input = target.repair && prng.chance(0.8) ? target.repair(mutated) : mutated;
    const kind = await attempt(input);
    if (kinds.has(kind) || kinds.size === maxKinds) continue;
    kinds.add(kind);
    if (corpus.length < maxCorpus) corpus.push(input);
    else corpus[prng.integer(maxCorpus)] = input;
  }
}

async function attemptInput(
  target: FuzzTarget,
  input: Buffer,
  shared: SharedArrayBuffer,
): Promise<string> {
  const bytes = input.subarray(0, maxInputBytes);
  new Uint8Array(shared, headBytes).set(bytes);
  const head = new Int32Array(shared, 0, 2);
  Atomics.store(head, 1, bytes.length);
  Atomics.add(head, 0, 1);
  const before = process.threadCpuUsage();
  const kind = await target.run(bytes);
  const { user, system } = process.threadCpuUsage(before);
  const took = (user + system) / 1000;
  if (took > maxInputMs) throw new Error(`one input took ${Math.round(took)} ms`);
  return kind;
}

const job: FuzzJob | null = workerData;
if (job) await fuzz(job);
