/**
 * The kill loop of the sinks that write files, in every format, on real HDFS or local files: an
 * agent under load is killed (SIGKILL) again and again at random moments, also while it starts, and
 * now and then stopped. In the end an independent reader must find every line once; no file may be
 * broken, or open, or have the name of one that is. A file that has its final name is whole at any
 * time, and stays as it is.
 *
 *   node test/crash/hdfs-loop.ts --kills 12 --runs 5 --channel file --format avro --target local
 *
 * Without --channel it runs both kinds; text on HDFS, when nothing else is said. Each run has the
 * next seed (--seed N is the first), and all share one cluster. On local files, runs with an even
 * seed have the sink hdfs, the others file_roll.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Prng, seedFromEnvironment } from '../../src/testing/prng.ts';
import type { AgentProcess } from '../../testbed/agent-process.ts';
import { HdfsCluster } from '../../testbed/hdfs.ts';
import { type Verdict, verifyDelivered } from './delivered-lines.ts';
import { backlogBytes } from './format-backlog.ts';
import { assertRunning, endOf, Lives } from './format-life.ts';
import { type FileLines, FormatReader } from './format-lines.ts';
import { type Format, formats } from './format-options.ts';
import {
  HdfsFolder,
  LocalFolder,
  type Target,
  type TargetFile,
  type TargetFolder,
  targets,
} from './format-target.ts';
import {
  type FileFlow,
  flowConf,
  type HdfsChannel,
  hdfsChannels,
  type LayoutParts,
  layoutOf,
  randomFlow,
} from './hdfs-flow.ts';
import { NumberedLog, type Rotation, rotations } from './numbered-log.ts';

export interface FileLoopOptions {
  readonly seed: number;
  readonly kills: number;
  readonly channel: HdfsChannel;
  readonly format: Format;
}

export interface FileLoopResult {
  readonly flow: FileFlow;
  readonly rotation: Rotation;
  readonly lines: number;
  readonly kills: number;
  readonly stops: number;
  readonly files: number;
  /** Of these, those that were also read while agents came and went. */
  readonly readEarly: number;
  readonly verdict: Verdict;
  /** What is not as it has to be, beside the lines. */
  readonly wrong: readonly string[];
  /** How long agents took, from their start, to bring to an end what dead ones had left, in ms. */
  readonly settleMs: readonly number[];
  readonly folder: string;
}

/** Files that span blocks, without much to write. */
const blockBytes = 64 * 1024;
/** Of the copy that a rotation makes. */
const mostPieces = 4;
/** Some thousand lines. */
const mostBacklogBytes = 500_000;
const drainMs = 180_000;
const settleLimitMs = 90_000;
/** Longer than anything waits for its file to be closed. */
const quietMs = 10_000;
const pollMs = 20;
const writeEveryMs = 10;
/** The share of agents that may live until nothing is left of those before. */
const settleShare = 0.6;
/** The most files that are read after a kill. */
const sampleFiles = { hdfs: 6, local: 30 } as const;
const inUseSuffix = '.tmp';

/** A cluster for loops, in a folder of its own. */
export async function startLoopCluster(folder: string): Promise<HdfsCluster> {
  return HdfsCluster.start({ folder, settings: { 'dfs.blocksize': String(blockBytes) } });
}

/**
 * @param cluster where the files go; none: to local files
 * @throws when the agent ends by itself
 */
export async function runFileLoop(
  options: FileLoopOptions,
  cluster?: HdfsCluster,
): Promise<FileLoopResult> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-file-loop-'));
  const out = join(folder, 'written');
  mkdirSync(out);
  const { channel, format, seed } = options;
  const target = cluster
    ? await HdfsFolder.open(cluster, `/${format}-${channel}-${seed}`)
    : new LocalFolder(out);
  const reader = new FormatReader(format);
  try {
    return await new FileLoop(options, folder, target, reader, cluster?.confDir).run();
  } finally {
    reader.close();
    target.close();
  }
}

class FileLoop {
  readonly #options: FileLoopOptions;
  readonly #random: Prng;
  readonly #folder: string;
  readonly #target: TargetFolder;
  readonly #reader: FormatReader;
  readonly #flow: FileFlow;
  readonly #rotation: Rotation;
  readonly #logs: readonly NumberedLog[];
  readonly #lives: Lives;
  readonly #sampleFiles: number;
  /** What was in a file when it was first seen with its final name. */
  readonly #early = new Map<string, string>();
  readonly #wrong: string[] = [];
  readonly #settleMs: number[] = [];

  constructor(
    options: FileLoopOptions,
    folder: string,
    target: TargetFolder,
    reader: FormatReader,
    confDir?: string,
  ) {
    this.#options = options;
    this.#random = new Prng(options.seed);
    this.#folder = folder;
    this.#target = target;
    this.#reader = reader;
    const sink = confDir === undefined && options.seed % 2 !== 0 ? 'file_roll' : 'hdfs';
    this.#flow = randomFlow({ ...options, sink }, this.#random.fork());
    this.#rotation = this.#random.pick(Object.keys(rotations) as Rotation[]);
    this.#sampleFiles = sampleFiles[confDir === undefined ? 'local' : 'hdfs'];
    mkdirSync(join(folder, 'in'));
    const conf = flowConf(this.#flow, folder, target.uri, confDir);
    writeFileSync(join(folder, 'flow.properties'), conf);
    const { changed } = target;
    this.#lives = new Lives({ folder, random: this.#random.fork(), ...(changed && { changed }) });
    this.#logs = ['left', 'right'].map((name) => this.#numberedLog(name));
  }

  async run(): Promise<FileLoopResult> {
    const { kills } = this.#options;
    const writing = new AbortController();
    const written = this.#keepWriting(writing.signal);
    let stops = 0;
    try {
      await this.#lives.first();
      for (let round = 0; round < kills; round++) {
        const left = await this.#leftFiles();
        const began = performance.now();
        const end = await this.#lives.liveAndDie(async (agent) => {
          if (this.#random.chance(settleShare)) await this.#untilSettled(agent, left, began);
        });
        if (end === 'stopped') stops++;
        await this.#readFinished();
      }
      writing.abort();
      await written;
      for (const log of this.#logs) {
        // Half a copy would be a log of its own.
        for (let piece = 0; piece < mostPieces; piece++) log.write(0);
        log.finish();
      }
      await this.#lastLife();
    } finally {
      writing.abort();
      await written;
      await this.#lives.end();
      for (const log of this.#logs) log.close();
    }
    const { verdict, files } = await this.#verify();
    const isClean = verdict.isClean && this.#wrong.length === 0;
    if (isClean) {
      await this.#target.remove();
      rmSync(this.#folder, { recursive: true });
    }
    return {
      flow: this.#flow,
      rotation: this.#rotation,
      lines: this.#logs.reduce((sum, log) => sum + log.lines, 0),
      kills: kills - stops,
      stops,
      files,
      readEarly: this.#early.size,
      verdict,
      wrong: this.#wrong,
      settleMs: this.#settleMs,
      folder: this.#folder,
    };
  }

  get #positions(): string {
    return join(this.#folder, 'positions.json');
  }

  #numberedLog(name: string): NumberedLog {
    return new NumberedLog({
      name,
      folder: join(this.#folder, 'in'),
      rotation: this.#rotation,
      linesPerFile: 500 + this.#random.integer(3_000),
      positionFile: this.#positions,
      random: this.#random.fork(),
    });
  }

  async #keepWriting(signal: AbortSignal): Promise<void> {
    const random = this.#random.fork();
    const { mostLines } = this.#flow;
    while (!signal.aborted) {
      // A slow machine, or one whose agents die early, is not to be at it for hours.
      const isMuch = backlogBytes(join(this.#folder, 'in'), this.#positions) > mostBacklogBytes;
      // Without lines, a rotation that is under way goes on.
      for (const log of this.#logs) log.write(isMuch ? 0 : 1 + random.integer(mostLines));
      await sleep(writeEveryMs);
    }
  }

  /** The last agent delivers what is missing; before it ends, nothing of another one is left. */
  async #lastLife(): Promise<void> {
    const left = await this.#leftFiles();
    const dead = new Set((await this.#target.openFiles()).map(({ holder }) => holder));
    const began = performance.now();
    const agent = this.#lives.start();
    await this.#untilSettled(agent, left, began);
    const deadline = performance.now() + drainMs;
    while (!this.#logs.every((log) => log.isSettled())) {
      assertRunning(agent);
      if (performance.now() > deadline) {
        // What is missing then is told by the verdict, line by line.
        this.#wrong.push(`positions.json does not show all that was read after ${drainMs} ms`);
        break;
      }
      await sleep(pollMs);
    }
    if (this.#rotation === 'rename-away') await this.#untilQuiet(agent);
    for (const { holder, path } of await this.#target.openFiles()) {
      if (dead.has(holder)) this.#wrong.push(`${path} is still held by ${holder}, which is dead`);
    }
    const { code } = await agent.stop();
    if (code !== 0) throw new Error(`the agent stopped with ${code}: ${endOf(agent)}`);
  }

  /** No position shows whether a file has been read to its end that has left the directory. */
  async #untilQuiet(agent: AgentProcess): Promise<void> {
    let seen = '';
    for (let since = performance.now(); performance.now() - since < quietMs; await sleep(500)) {
      assertRunning(agent);
      const now = (await this.#target.files()).map(({ path }) => path).join();
      if (now !== seen) since = performance.now();
      seen = now;
    }
  }

  /** Waits until none of these files has the name any more under which it was written. */
  async #untilSettled(
    agent: AgentProcess,
    files: readonly TargetFile[],
    began: number,
  ): Promise<void> {
    const left = [...files];
    for (let file = left.at(-1); file; file = left.at(-1)) {
      assertRunning(agent);
      if ((await this.#target.idOf(file.path)) !== file.id) left.pop();
      else if (performance.now() - began > settleLimitMs) {
        this.#wrong.push(...left.map(({ path }) => `${path} stayed for ${settleLimitMs} ms`));
        return;
      } else await sleep(pollMs);
    }
    if (files.length > 0) this.#settleMs.push(Math.round(performance.now() - began));
  }

  /** The files that have the name of one that is being written; no agent may run. */
  async #leftFiles(): Promise<TargetFile[]> {
    return (await this.#target.files()).filter(({ path }) => path.endsWith(inUseSuffix));
  }

  /** Reads some of the files that have their final name since the last time; no agent may run. */
  async #readFinished(): Promise<void> {
    const { sink, format } = this.#flow;
    // Others of file_roll are written under that name.
    if (sink === 'file_roll' && format !== 'parquet') return;
    const files = (await this.#target.files()).map(({ path }) => path);
    const fresh = files.filter((path) => {
      return !path.endsWith(inUseSuffix) && !this.#early.has(relative(this.#target.path, path));
    });
    for (const path of this.#random.shuffle(fresh).slice(0, this.#sampleFiles)) {
      const copy = join(this.#folder, 'copy');
      await this.#target.fetch(path, copy);
      const found = await this.#reader.read(copy);
      if (found.problem) this.#wrong.push(`${path}, after a kill: ${found.problem}`);
      this.#early.set(relative(this.#target.path, path), digestOf(found));
    }
  }

  async #verify(): Promise<{ verdict: Verdict; files: number }> {
    const out = join(this.#folder, 'out');
    this.#wrong.push(...(await this.#target.fetchAll(out)));
    this.#wrong.push(...(await this.#leftFiles()).map(({ path }) => `${path} is left`));
    const entries = readdirSync(out, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile());
    const folders = [...new Set(files.map(({ parentPath }) => parentPath))].sort();
    const lines = await this.#readAll(
      out,
      files.map(({ parentPath, name }) => join(parentPath, name)),
    );
    const linesIn = (path: string) => lines.get(path) ?? [];
    const { ordered } = layoutOf(this.#flow);
    const promised = this.#flow.sinks === 1 ? ordered : 'no';
    const expected = { logs: this.#logs, ordered: promised === 'all' };
    const verdict = verifyDelivered(folders, expected, linesIn);
    for (const folder of promised === 'directory' ? folders : []) {
      const alone = verifyDelivered([folder], { ...expected, ordered: true }, linesIn);
      verdict.disordered += alone.disordered;
    }
    return { verdict, files: files.length };
  }

  async #readAll(out: string, paths: readonly string[]) {
    const { place } = layoutOf(this.#flow);
    const lines = new Map<string, readonly string[]>();
    const left = new Map(this.#early);
    for (const path of paths) {
      const found = await this.#reader.read(path);
      const name = relative(out, path);
      if (found.problem) this.#wrong.push(`${name}: ${found.problem}`);
      else if (found.lines.length === 0) this.#wrong.push(`${name}: has no lines`);
      if (place) this.#checkPlaces(name, found.lines, place);
      const before = left.get(name);
      if (before !== undefined && before !== digestOf(found)) {
        this.#wrong.push(`${name} changed after it had got its final name`);
      }
      left.delete(name);
      lines.set(path, found.lines);
    }
    for (const name of left.keys()) this.#wrong.push(`${name} had its final name, and is gone`);
    return lines;
  }

  #checkPlaces(
    path: string,
    lines: readonly string[],
    place: NonNullable<LayoutParts['place']>,
  ): void {
    const strays = lines.filter((line) => {
      const [log = '', , sequence = ''] = line.split(' ', 3);
      return !path.startsWith(place(log, sequence));
    });
    if (strays.length > 0) {
      this.#wrong.push(`${path} has ${strays.length} lines of another one: ${strays[0]}`);
    }
  }
}

function digestOf({ lines }: FileLines): string {
  return createHash('sha1').update(lines.join('\n')).digest('hex');
}

function isCleanRun({ verdict, wrong }: FileLoopResult): boolean {
  return verdict.isClean && wrong.length === 0;
}

/** What was found in a run, in a few lines. */
export function reportOf(result: FileLoopResult): string {
  const { flow, rotation, kills, stops, lines, files, verdict, wrong, settleMs, folder } = result;
  const rolls = Object.entries(flow.rolls).map(([key, value]) => `${key} ${value}`);
  const isClean = isCleanRun(result);
  return [
    `${flow.format}, ${flow.sink}, ${flow.channel}, ${flow.layout}, ${rotation}, ` +
      `${flow.sinks} sinks, ${rolls.join(', ')}`,
    `  batches of ${flow.batchSize}, room for ${flow.capacity}, ${flow.maxOpenFiles} open files, ` +
      `blocks of ${flow.blockBytes}, at most ${flow.flushInterval} ms`,
    `  ${kills} kills, ${stops} stops, ${lines} lines, ${files} files, ` +
      `${result.readEarly} of them read early`,
    `  settled after ${settleMs.join(', ') || 'nothing was left'} ms`,
    `  ${isClean ? 'exactly once' : 'NOT exactly once'}: ${verdict}`,
    ...(isClean ? [] : [...wrong.slice(0, 20), `kept: ${folder}`]),
  ].join('\n  ');
}

/** Prints each run; false when one of them was not clean. */
async function runAll(
  options: FileLoopOptions,
  runs: number,
  cluster: HdfsCluster | undefined,
): Promise<boolean> {
  const settleMs: number[] = [];
  const sum = { kills: 0, stops: 0, lines: 0, files: 0, unclean: 0 };
  for (let run = 0; run < runs; run++) {
    const began = performance.now();
    const seed = options.seed + run;
    const result = await runFileLoop({ ...options, seed }, cluster);
    const seconds = ((performance.now() - began) / 1000).toFixed(0);
    console.log(`seed ${seed}, ${seconds} s: ${reportOf(result)}`);
    settleMs.push(...result.settleMs);
    for (const key of ['kills', 'stops', 'lines', 'files'] as const) sum[key] += result[key];
    if (!isCleanRun(result)) sum.unclean++;
  }
  settleMs.sort((one, other) => one - other);
  const settled = `median ${settleMs[settleMs.length >> 1]} ms to settle, at most ${settleMs.at(-1)}`;
  const { kills, stops, lines, files, unclean } = sum;
  console.log(
    `${options.format}, ${options.channel}: ${settled}; ${kills} kills, ${stops} stops, ` +
      `${lines} lines, ${files} files, ${unclean} of ${runs} runs not clean`,
  );
  return sum.unclean === 0;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      kills: { type: 'string', default: '12' },
      runs: { type: 'string', default: '1' },
      channel: { type: 'string' },
      format: { type: 'string', default: 'text' },
      target: { type: 'string', default: 'hdfs' },
      seed: { type: 'string' },
    },
  });
  const seed = values.seed === undefined ? seedFromEnvironment() : Number(values.seed);
  console.log(`MILLRACE_SEED=${seed}`);
  const format = chosen(formats, values.format);
  const target: Target = chosen(targets, values.target);
  const names = Object.keys(hdfsChannels) as HdfsChannel[];
  const channels = values.channel === undefined ? names : [chosen(hdfsChannels, values.channel)];
  const folder = mkdtempSync(join(tmpdir(), 'millrace-hdfs-loop-cluster-'));
  const cluster = target === 'hdfs' ? await startLoopCluster(folder) : undefined;
  const [kills, runs] = [Number(values.kills), Number(values.runs)];
  let isClean = true;
  try {
    for (const [index, channel] of channels.entries()) {
      const options = { seed: seed + index * runs, kills, channel, format };
      isClean = (await runAll(options, runs, cluster)) && isClean;
    }
  } finally {
    await cluster?.stop();
  }
  if (isClean) rmSync(folder, { recursive: true });
  else process.exitCode = 1;
}

function chosen<K extends string>(all: Readonly<Record<K, string>>, word: string): K {
  const found = (Object.keys(all) as K[]).find((name) => name === word);
  if (found === undefined) throw new Error(`${word}: expected one of ${Object.keys(all)}`);
  return found;
}

if (import.meta.main) await main();
