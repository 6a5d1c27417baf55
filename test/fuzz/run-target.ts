import { Worker } from 'node:worker_threads';
import { beganInputs, type FuzzJob, newestInput, sharedBytes } from './worker.ts';

/** An input hangs that has not come back after so much of the processor, or after so long. */
const hangCpuMs = 10_000;
const hangMs = 120_000;
const watchMs = 100;
/** What a decoder may make of 64 KiB and what fuzzing needs itself, all together. */
const maxRssBytes = 1.5 * 2 ** 30;
const maxHeapMegabytes = 512;

export interface FuzzResult {
  readonly executions: number;
  readonly finding: { readonly error: unknown; readonly input: Buffer } | undefined;
}

/** Fuzzes one target in a thread of its own, so that it may hang or run out of memory. */
export async function runTarget(
  target: string,
  options: { seed: number; milliseconds: number; only?: Buffer },
): Promise<FuzzResult> {
  const { seed, milliseconds, only } = options;
  const shared = new SharedArrayBuffer(sharedBytes);
  const workerData: FuzzJob = { target, seed, milliseconds, only, shared };
  const worker = new Worker(new URL('./worker.ts', import.meta.url), {
    workerData,
    resourceLimits: { maxOldGenerationSizeMb: maxHeapMegabytes },
  });
  const error = await Promise.race([
    new Promise<unknown>((resolve) => worker.on('error', resolve)),
    exitOf(worker),
    hangOf(worker, shared),
  ]);
  await worker.terminate();
  const finding = error === undefined ? undefined : { error, input: newestInput(shared) };
  return { executions: beganInputs(shared), finding };
}

/** Ends well with 0; a promise that nobody can resolve any more ends it with another code. */
function exitOf(worker: Worker): Promise<Error | undefined> {
  return new Promise((resolve) => {
    worker.on('exit', (code) => {
      resolve(code === 0 ? undefined : new Error(`an input ended its thread with ${code}`));
    });
  });
}

/** Resolves, with what is wrong, when the worker stands still or takes too much memory. */
function hangOf(worker: Worker, shared: SharedArrayBuffer): Promise<Error> {
  return new Promise((resolve) => {
    let seen = 0;
    let since = performance.now();
    let cpu = process.cpuUsage();
    const timer = setInterval(() => {
      const began = beganInputs(shared);
      if (began !== seen) {
        since = performance.now();
        cpu = process.cpuUsage();
      }
      seen = began;
      const { user } = process.cpuUsage(cpu);
      const hangs = user / 1000 > hangCpuMs || performance.now() - since > hangMs;
      if (began > 0 && hangs) resolve(new Error('an input hangs'));
      const rss = process.memoryUsage.rss();
      const mebibytes = Math.round(rss / 2 ** 20);
      if (rss > maxRssBytes) resolve(new Error(`an input took ${mebibytes} MiB of memory`));
    }, watchMs);
    worker.on('exit', () => clearInterval(timer));
  });
}
