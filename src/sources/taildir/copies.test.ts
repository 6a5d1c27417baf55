import { strict as assert } from 'node:assert';
import { mkdtempSync } from 'node:fs';
import { appendFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { fileInfo } from '../../files/file-info.ts';
import { InputFile } from '../../files/input-file.ts';
import { proofBytes } from '../../files/proof.ts';
import { ReadSlabs } from '../../files/read-slabs.ts';
import { FakeSourceContext } from '../../testing/fake-source-context.ts';
import type { Candidate } from './candidates.ts';
import { copyWaitMs, originalsFirst, PossibleCopies, TailHeads } from './copies.ts';
import { parseGroup } from './groups.ts';
import type { FoundFile } from './listing.ts';
import { OpenFiles } from './open-files.ts';
import { TailedFile } from './tailed-file.ts';

const options = {
  fileHeader: false,
  fileHeaderKey: 'file',
  byteOffsetHeader: false,
  batchSize: 100,
  maxBatchCount: 1,
  multiLine: undefined,
  maxLineBytes: 1000,
  slabs: new ReadSlabs(1000),
  idleTimeout: 1000,
  boot: 'boot',
};

const text = Array.from({ length: 400 }, (_, index) => `line ${index}\n`).join('');
const group = parseGroup('g', '/logs/.*', new Map());

let folder = '';
let context = new FakeSourceContext();
let copies = new PossibleCopies(context.clock);
let opened: InputFile[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'taildir-copies-'));
  context = new FakeSourceContext();
  copies = new PossibleCopies(context.clock);
  opened = [];
});

afterEach(async () => {
  for (const handle of opened) await handle.close();
  await rm(folder, { recursive: true });
});

async function found(name: string): Promise<FoundFile> {
  const path = join(folder, name);
  return { path, group, info: fileInfo(await stat(path)) };
}

/** The file `app.log` as it was listed now, and looked into. */
async function tailed(content: string): Promise<TailedFile> {
  const file = join(folder, 'app.log');
  await writeFile(file, content);
  const openFiles = new OpenFiles(10);
  const tail = new TailedFile(options, context, openFiles, 'r1/app', await found('app.log'), 0);
  tail.head = Buffer.from(content).subarray(0, proofBytes);
  const handle = await tail.open();
  if (handle) opened.push(handle);
  return tail;
}

async function candidate(content: string): Promise<Candidate> {
  await writeFile(join(folder, 'app.log.1'), content);
  const handle = await InputFile.open(join(folder, 'app.log.1'));
  opened.push(handle);
  const head = Buffer.from(content).subarray(0, proofBytes);
  return { file: await found('app.log.1'), handle, head };
}

async function repeats(file: Candidate, tail: TailedFile): Promise<boolean> {
  const tails = new TailHeads();
  tails.add(tail);
  return copies.repeats(file, tails);
}

test('a copy of a file that has grown since it was listed is waited for', async () => {
  const tail = await tailed(text.slice(0, 1500));
  await appendFile(tail.path, text.slice(1500));
  assert(await repeats(await candidate(text.slice(0, 2000)), tail));
});

test('a copy whose original was cut back since then is waited for, however old', async () => {
  const tail = await tailed(text);
  const copy = await candidate(text);
  await truncate(tail.path, 0);
  await repeats(copy, tail);
  await context.clock.advance(copyWaitMs);
  assert(await repeats(copy, tail));
  assert(tail.dirty);
});

test('a copy whose original was cut back and has grown beyond it is waited for', async () => {
  const tail = await tailed(text);
  const copy = await candidate(text);
  await writeFile(tail.path, text.toUpperCase() + text);
  assert(await repeats(copy, tail));
});

test('a file that goes on otherwise than the one that it begins like is no copy', async () => {
  const tail = await tailed(text);
  assert.equal(await repeats(await candidate(`${text.slice(0, 2000)}other\n`), tail), false);
  assert.equal(await repeats(await candidate(`${text}and more\n`), tail), false);
});

test('an original comes before its copy, also when both were made in the same moment', async () => {
  const tail = await tailed(text);
  const { file } = await candidate(text.slice(0, 100));
  const copy = { ...file.info, perhapsBornMs: tail.info.perhapsBornMs };
  assert(originalsFirst(tail.info, copy) < 0);
  assert(originalsFirst({ ...tail.info, size: 0 }, { ...copy, perhapsBornMs: Infinity }) < 0);
});

test('a copy of a whole file is waited for while it changes, and a little longer', async () => {
  const tail = await tailed(text);
  const copy = await candidate(text);
  assert(await repeats(copy, tail));
  // Its age by the time of day counts too.
  await context.clock.advance(copyWaitMs - 1_000);
  assert(await repeats(copy, tail));
  await context.clock.advance(copyWaitMs);
  assert.equal(await repeats(copy, tail), false);
});
