import { mkdtempSync } from 'node:fs';
import { appendFile, readdir, readFile, readlink, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Source, SourceContext } from '../../core/source.ts';
import { configOf } from '../../testing/config-of.ts';
import { FakeSourceContext } from '../../testing/fake-source-context.ts';
import { taildirSource } from '../taildir.ts';

/** Stands in for the agent in the tests of taildir: polls a source on a directory of its own. */
export class FakeRunner {
  readonly directory = mkdtempSync(join(tmpdir(), 'taildir-'));
  readonly context: FakeSourceContext;
  /** Options by their keys; the pattern is `app\.log.*` unless `filegroups` says otherwise. */
  properties: Readonly<Record<string, string>>;
  files: Readonly<Record<string, string>> = { g: 'app\\.log.*' };
  headers: Readonly<Record<string, string>> = {};
  #source: Source | undefined;

  constructor(properties: Readonly<Record<string, string>> = {}, seed = 1) {
    this.properties = properties;
    this.context = new FakeSourceContext('r1', seed);
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  append(name: string, text: string): Promise<void> {
    return appendFile(this.path(name), text);
  }

  create(context: SourceContext = this.context): Source {
    const values = {
      filegroups: Object.keys(this.files).join(' '),
      positionFile: this.path('state/positions.json'),
      cachePatternMatching: 'false',
      watch: 'false',
      ...this.properties,
    };
    const config = {
      ...configOf(taildirSource.fields, values),
      files: new Map(Object.entries(this.files).map(([name, text]) => [name, this.path(text)])),
      headers: new Map(Object.entries(this.headers)),
    };
    return taildirSource.create(config, context);
  }

  async start(): Promise<void> {
    this.#source = this.create();
    await this.#source.start();
  }

  async stop(): Promise<void> {
    await this.#source?.stop();
    this.#source = undefined;
  }

  /** Polls until the source is idle. Rejects with what a poll rejects with. */
  async poll(): Promise<void> {
    const { signal } = new AbortController();
    for (let rounds = 0; rounds < 1000; rounds++) {
      if ((await this.#source?.poll?.(signal)) !== 'ready') return;
    }
    throw new Error('the source is never idle');
  }

  /** One round. */
  pollOnce(): Promise<string | undefined> {
    return this.#source?.poll?.(new AbortController().signal) ?? Promise.resolve(undefined);
  }

  /** Drops the process: what was not committed is gone, nothing is written on the way. */
  async crash(): Promise<void> {
    const identities = new Map(this.context.streams.all());
    await this.stop();
    for (const [name, { identity, first }] of identities) {
      this.context.streams.introduce(name, identity, first);
    }
    this.context.crash();
  }

  /** Lets time pass, then polls. The time of day stays real, as the times of the files are. */
  async wait(ms: number): Promise<void> {
    await this.context.clock.advance(ms);
    this.context.clock.set(Date.now());
    await this.poll();
  }

  get bodies(): readonly string[] {
    return this.context.bodies;
  }

  async inode(name: string): Promise<number> {
    return (await stat(this.path(name))).ino;
  }

  /** What the position file has. */
  positions(suffix = ''): Promise<string> {
    return readFile(this.path(`state/positions.json${suffix}`), 'utf8');
  }

  /** How many files of the directory this process has open. */
  async openCount(): Promise<number> {
    let count = 0;
    for (const descriptor of await readdir('/proc/self/fd')) {
      const target = await readlink(`/proc/self/fd/${descriptor}`).catch(() => '');
      if (target.startsWith(this.directory)) count++;
    }
    return count;
  }

  said(sentence: string): number {
    return this.context.log.lines.filter((line) => line.sentence.startsWith(sentence)).length;
  }

  async end(): Promise<void> {
    await this.stop();
    await rm(this.directory, { recursive: true, force: true });
  }
}
