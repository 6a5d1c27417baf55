import { mkdirSync, mkdtempSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import type { Source, SourceContext } from '../../core/source.ts';
import { configOf } from '../../testing/config-of.ts';
import { FakeSourceContext } from '../../testing/fake-source-context.ts';
import { spooldirSource } from '../spooldir.ts';

/** How long a source waits from one look at its directory to the next. */
const pollDelay = 500;

/** Stands in for the agent in the tests of spooldir: polls a source on a directory of its own. */
export class FakeSpool {
  readonly #root = mkdtempSync(join(tmpdir(), 'spooldir-'));
  readonly directory = join(this.#root, 'spool');
  readonly context: FakeSourceContext;
  properties: Readonly<Record<string, string>>;
  #source: Source | undefined;

  constructor(properties: Readonly<Record<string, string>> = {}, seed = 1) {
    this.properties = properties;
    this.context = new FakeSourceContext('r1', seed);
    mkdirSync(this.directory);
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  /** Moves a whole file into the directory. */
  drop(name: string, content: string | Buffer): void {
    const made = join(this.#root, 'made');
    writeFileSync(made, content);
    mkdirSync(dirname(this.path(name)), { recursive: true });
    renameSync(made, this.path(name));
  }

  /** Has the file look as if it had been changed so many seconds ago. */
  async age(name: string, seconds: number): Promise<void> {
    const at = Date.now() / 1000 - seconds;
    await utimes(this.path(name), at, at);
  }

  /** Names in the directory, sorted. */
  names(below = '.'): string[] {
    return readdirSync(this.path(below)).sort();
  }

  create(context: SourceContext = this.context): Source {
    const values = { spoolDir: this.directory, ...this.properties };
    return spooldirSource.create(configOf(spooldirSource.fields, values), context);
  }

  async start(): Promise<void> {
    this.#source = this.create();
    await this.#source.start();
  }

  async stop(): Promise<void> {
    await this.#source?.stop();
    this.#source = undefined;
  }

  /** Lets the time to the next look pass, then polls until the source is idle. */
  async poll(): Promise<void> {
    await this.context.clock.advance(pollDelay);
    const { signal } = new AbortController();
    for (let rounds = 0; rounds < 1000; rounds++) {
      if ((await this.#source?.poll?.(signal)) !== 'ready') return;
    }
    throw new Error('the source is never idle');
  }

  /** Polls, commits everything, and polls again: then what was read is renamed. */
  async pass(): Promise<void> {
    await this.poll();
    this.context.commit();
    await this.poll();
  }

  async wait(ms: number): Promise<void> {
    await this.context.clock.advance(ms);
    await this.poll();
  }

  /** Drops the process: what was not committed is gone, nothing is done on the way. */
  async crash(): Promise<void> {
    const { streams } = this.context;
    const settle = streams.settle;
    const get = streams.get;
    // A stop would rename what is settled; a process that dies does not.
    streams.get = (stream) => {
      const status = get(stream);
      return status && { ...status, settled: status.first };
    };
    streams.settle = async () => {};
    await this.stop();
    Object.assign(streams, { settle, get });
    this.context.crash();
  }

  get bodies(): readonly string[] {
    return this.context.bodies;
  }

  /** How often something was said. */
  said(sentence: string): number {
    return this.context.log.lines.filter((line) => line.sentence.startsWith(sentence)).length;
  }

  /** How many streams the channel knows. */
  get streamCount(): number {
    return this.context.streams.all().size;
  }

  async end(): Promise<void> {
    await this.stop();
    await rm(this.#root, { recursive: true, force: true });
  }
}

/** A test with a directory of its own. */
export function spools(
  title: string,
  body: (spool: FakeSpool) => Promise<void>,
  properties: Readonly<Record<string, string>> = {},
): void {
  test(title, async () => {
    const spool = new FakeSpool(properties);
    try {
      await body(spool);
    } finally {
      await spool.end();
    }
  });
}
