import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { ChosenSerializer } from '../config/serializer-field.ts';
import type { Range, StateDelta } from '../core/channel.ts';
import type { Json } from '../core/component.ts';
import { EventBatch } from '../core/event-batch.ts';
import { SinkCounters } from '../core/metrics.ts';
import { RangeSet } from '../core/range-set.ts';
import type { Settlement, Sink } from '../core/sink.ts';
import { configOf } from '../testing/config-of.ts';
import { linesOfWhole, wholeFileSerializer } from '../testing/line-serializers.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import { Prng } from '../testing/prng.ts';
import { RecordingLogger } from '../testing/recording-logger.ts';
import { SimulatedDisk } from '../testing/simulated-disk.ts';
import { sinkContract } from '../testing/sink-contract.ts';
import { hdfsSink } from './hdfs.ts';

/* Over the local file system, on a disk that can fail and crash; HDFS itself is in test/interop. */

const directory = '/logs';

function filesIn(disk: SimulatedDisk, folder = directory): string[] {
  return listed(disk, folder).map((name) => `${folder}/${name}`);
}

/** The sink makes its directory with the first event. */
function listed(disk: SimulatedDisk, folder: string): string[] {
  try {
    return disk.list(folder);
  } catch {
    return [];
  }
}

function linesIn(disk: SimulatedDisk, folder = directory): string[] {
  return sorted(filesIn(disk, folder).map((path) => linesOf(disk.contents(path))));
}

function linesOf(file: Buffer): string[] {
  const text = file.toString();
  return text === '' ? [] : text.replace(/\n$/, '').split('\n');
}

/** Each file's lines as they are; the files by their first events, since names go by the clock. */
function sorted(files: readonly string[][]): string[] {
  const numberOf = ([line = '']: string[]) => Number(/^event-(\d+)/.exec(line)?.[1] ?? -1);
  return [...files].sort((one, other) => numberOf(one) - numberOf(other)).flat();
}

function gunzipAll(file: Buffer): Buffer {
  return file.length === 0 ? file : gunzipSync(file);
}

const configWith = (lines: Readonly<Record<string, string>>) =>
  configOf(hdfsSink.fields, {
    'hdfs.path': `file://${directory}`,
    'hdfs.fileType': 'DataStream',
    'hdfs.rollCount': '0',
    'hdfs.rollSize': '0',
    'hdfs.rollInterval': '0',
    ...lines,
  });

for (const [name, lines] of Object.entries({
  'hdfs (one file)': {},
  'hdfs (rolled by time)': { 'hdfs.rollInterval': '1' },
  'hdfs (rolled by count)': { 'hdfs.rollCount': '3' },
  'hdfs (no in-use name)': { 'hdfs.emptyInUseSuffix': 'true', 'hdfs.rollCount': '5' },
})) {
  const config = configWith(lines);
  sinkContract(name, {
    create: (context) => hdfsSink.create(config, context),
    settles: true,
    delivered: linesIn,
    crashStride: name === 'hdfs (one file)' ? 1 : 3,
  });
}

for (const [name, lines] of Object.entries({
  'hdfs (gzip)': { 'hdfs.rollInterval': '1' },
  'hdfs (gzip, rolled by count)': { 'hdfs.rollCount': '5' },
})) {
  const config = configWith({
    'hdfs.fileType': 'CompressedStream',
    'hdfs.codeC': 'gzip',
    'hdfs.compression.bytes': '100',
    ...lines,
  });
  sinkContract(name, {
    create: (context) => hdfsSink.create(config, context),
    settles: true,
    delivered: (disk) =>
      sorted(filesIn(disk).map((path) => linesOf(gunzipAll(disk.contents(path))))),
    crashStride: 3,
  });
}

const whole = { serializer: new ChosenSerializer(wholeFileSerializer, {}) };

for (const [name, lines] of Object.entries({
  'hdfs (whole files)': { 'hdfs.rollInterval': '1' },
  'hdfs (whole files, rolled by count)': { 'hdfs.rollCount': '5' },
})) {
  const config = { ...configWith(lines), ...whole };
  sinkContract(name, {
    create: (context) => hdfsSink.create(config, context),
    settles: true,
    delivered: (disk) => {
      const final = filesIn(disk).filter((path) => !path.endsWith('.tmp'));
      return sorted(final.map((path) => linesOfWhole(disk.contents(path))));
    },
    crashStride: name === 'hdfs (whole files)' ? 1 : 3,
  });
}

type EventOf = { readonly headers?: Readonly<Record<string, string>>; readonly body: string };

/** A sink with a channel that only keeps account, on a disk that only remembers. */
class Rig {
  readonly disk: SimulatedDisk;
  readonly clock: ManualClock;
  readonly log = new RecordingLogger();
  readonly counters = new SinkCounters();
  readonly state = new Map<string, Json>();
  readonly committed = new RangeSet();
  /** How many records committed something. */
  commits = 0;
  pressed = false;
  /** Commits take until then. */
  committing: Promise<void> = Promise.resolve();
  readonly sink: Sink;
  readonly #random = new Prng(1);
  #next = 0;

  constructor(lines: Readonly<Record<string, string>> = {}, earlier?: Rig, more = {}) {
    this.disk = earlier?.disk ?? new SimulatedDisk();
    this.clock = earlier?.clock ?? new ManualClock();
    for (const [key, json] of earlier?.state ?? []) this.state.set(key, json);
    if (earlier) this.#next = earlier.#next;
    this.sink = hdfsSink.create({ ...configWith(lines), ...more }, this.context);
  }

  get context() {
    const { disk, clock, log, counters } = this;
    const settlement = this.#settlement();
    const random = this.#random;
    return { agent: 'a1', name: 'k1', log, clock, disk, random, counters, settlement };
  }

  async write(...events: (string | EventOf)[]): Promise<void> {
    const batch = events.map((each) => (typeof each === 'string' ? { body: each } : each));
    const first = this.#next;
    this.#next += events.length;
    await this.sink.write(EventBatch.of(batch), first);
    await this.settle();
  }

  /** Lets everything that is under way come to its end. */
  async settle(): Promise<void> {
    await this.clock.advance(1);
    for (let turns = 0; turns < 200; turns++) await new Promise((next) => setImmediate(next));
  }

  files(folder = directory): Record<string, string> {
    const names = listed(this.disk, folder).sort();
    return Object.fromEntries(
      names.map((name) => [name, this.disk.contents(`${folder}/${name}`).toString()]),
    );
  }

  #settlement(): Settlement {
    const apply = ({ set = {}, delete: gone = [] }: StateDelta = {}) => {
      for (const [key, json] of Object.entries(set)) this.state.set(key, json);
      for (const key of gone) this.state.delete(key);
    };
    return {
      state: this.state,
      commit: async (ranges: readonly Range[], delta?: StateDelta) => {
        await this.committing;
        for (const [from, to] of ranges) this.committed.add(from, to);
        this.commits++;
        apply(delta);
      },
      saveState: async (delta) => apply(delta),
      release: () => {},
      onSync: () => {},
      absorb: () => {},
      isPressed: () => this.pressed,
    };
  }
}

async function started(lines: Readonly<Record<string, string>> = {}, earlier?: Rig) {
  const rig = new Rig(lines, earlier);
  await rig.sink.start();
  return rig;
}

/** The manual clock's first moment, in ms. */
const start = new ManualClock().now();

describe('the hdfs sink', () => {
  test('names files by the time, and counts up within a bucket', async () => {
    const rig = await started({ 'hdfs.rollCount': '1' });
    await rig.write('a', 'b');
    assert.deepEqual(rig.files(), {
      [`FlumeData.${start + 1}`]: 'a\n',
      [`FlumeData.${start + 2}.tmp`]: 'b\n',
    });
    await rig.sink.stop();
    assert.deepEqual(Object.keys(rig.files()), [
      `FlumeData.${start + 1}`,
      `FlumeData.${start + 2}`,
    ]);
    assert.equal(rig.state.size, 0, 'nothing is left to remember');
  });

  test('gives files in use the prefix and the suffix that are set', async () => {
    const rig = await started({
      'hdfs.filePrefix': 'p',
      'hdfs.fileSuffix': '.log',
      'hdfs.inUsePrefix': '_',
      'hdfs.inUseSuffix': '.part',
    });
    await rig.write('a');
    assert.deepEqual(Object.keys(rig.files()), [`_p.${start + 1}.log.part`]);
    await rig.sink.stop();
    assert.deepEqual(Object.keys(rig.files()), [`p.${start + 1}.log`]);
  });

  test('closes a full file when the next event comes, not before', async () => {
    const rig = await started({ 'hdfs.rollCount': '2' });
    await rig.write('a', 'b');
    assert.deepEqual(rig.files(), { [`FlumeData.${start + 1}.tmp`]: 'a\nb\n' });
    await rig.write('c');
    assert.deepEqual(rig.files(), {
      [`FlumeData.${start + 1}`]: 'a\nb\n',
      [`FlumeData.${start + 2}.tmp`]: 'c\n',
    });
  });

  test('counts the bytes of bodies for rollSize', async () => {
    const rig = await started({ 'hdfs.rollSize': '3' });
    await rig.write('one', 'two', 'three');
    assert.deepEqual(Object.values(rig.files()), ['one\n', 'two\n', 'three\n']);
  });

  test('closes a file of rollInterval without another event; the next has a new time', async () => {
    const rig = await started({ 'hdfs.rollInterval': '2' });
    await rig.write('a');
    await rig.clock.advance(2_500);
    await rig.settle();
    assert.deepEqual(rig.files(), { [`FlumeData.${start + 1}`]: 'a\n' });
    const now = rig.clock.now();
    await rig.write('b');
    assert.equal(rig.files()[`FlumeData.${now + 1}.tmp`], 'b\n');
  });

  test('closes a file that nothing came to for idleTimeout', async () => {
    const rig = await started({ 'hdfs.idleTimeout': '2' });
    await rig.write('a');
    await rig.clock.advance(1_500);
    await rig.write('b');
    await rig.clock.advance(1_500);
    await rig.settle();
    assert.deepEqual(Object.keys(rig.files()), [`FlumeData.${start + 1}.tmp`]);
    await rig.clock.advance(1_000);
    await rig.settle();
    assert.deepEqual(rig.files(), { [`FlumeData.${start + 1}`]: 'a\nb\n' });
  });

  test('closes the bucket that was used longest ago when too many are open', async () => {
    const rig = await started({ 'hdfs.path': 'file:///logs/%{of}', 'hdfs.maxOpenFiles': '2' });
    for (const body of ['a', 'b', 'a', 'c']) await rig.write({ headers: { of: body }, body });
    const closed = ['a', 'b', 'c'].filter((of) => {
      return Object.keys(rig.files(`/logs/${of}`)).every((name) => !name.endsWith('.tmp'));
    });
    assert.deepEqual(closed, ['b']);
  });

  test('closes whole files for puts that wait: the largest first, few at once', async () => {
    const rig = new Rig({ 'hdfs.path': 'file:///logs/%{of}' }, undefined, whole);
    await rig.sink.start();
    const names = ['a', 'b', 'c', 'd'];
    const ended = () =>
      names.filter((of) => Object.values(rig.files(`/logs/${of}`))[0]?.endsWith('END\n'));
    for (const [index, of] of names.entries()) {
      await rig.write(...Array(35_000 + index).fill({ headers: { of }, body: 'x' }));
    }
    let committed = () => {};
    rig.committing = new Promise((resolve) => {
      committed = resolve;
    });
    const pass = async (ms: number) => {
      for (let past = 0; past < ms; past += 50)
        await rig.clock.advance(50).then(() => rig.settle());
    };
    rig.pressed = true;
    await pass(500);
    assert.deepEqual(ended(), ['c', 'd'], 'that is relief enough until it is committed');
    await pass(1_000);
    assert.deepEqual(ended(), ['b', 'c', 'd'], 'or for a second');
    committed();
    await pass(100);
    assert.deepEqual(ended(), names);
    assert(rig.committed.covers(0, 4 * 35_000 + 6));
    await rig.sink.stop();
  });

  test('puts the events of one batch into many directories, in one commit', async () => {
    const path = 'file:///logs/%{of}/%Y-%m-%d';
    const rig = await started({ 'hdfs.path': path, 'hdfs.timeZone': 'UTC' });
    const timestamp = String(Date.UTC(2026, 10, 24));
    const events = Array.from({ length: 60 }, (_, n) => {
      return { headers: { of: `/d${n % 20}//`, timestamp }, body: `${n}` };
    });
    await rig.write(...events);
    assert.equal(listed(rig.disk, '/logs').length, 20);
    const [third] = Object.values(rig.files('/logs/d3/2026-11-24'));
    assert.equal(third, '3\n23\n43\n');
    assert(rig.committed.covers(0, 60));
    assert(rig.commits < 10, `${rig.commits} commits for 20 files`);
  });

  test('knows a directory however a header spells it', async () => {
    const rig = await started({ 'hdfs.path': 'file:///logs/%{of}' });
    const spellings = ['a/b', 'a//b', 'a/./b', 'a/b/', '/a/c/../b'];
    await rig.write(...spellings.map((of, n) => ({ headers: { of }, body: `${n}` })));
    await rig.sink.stop();
    assert.deepEqual(Object.values(rig.files('/logs/a/b')), ['0\n1\n2\n3\n4\n']);
  });

  test('makes the directory of a final name that has slashes of its own', async () => {
    const rig = await started({ 'hdfs.filePrefix': 'sub/p', 'hdfs.inUsePrefix': '_' });
    await rig.write('a');
    assert.deepEqual(Object.keys(rig.files('/logs/_sub')), [`p.${start + 1}.tmp`]);
    await rig.sink.stop();
    assert.deepEqual(rig.files('/logs/sub'), { [`p.${start + 1}`]: 'a\n' });
  });

  test('takes a negative limit for none, as Flume does', async () => {
    const keys = ['rollCount', 'rollSize', 'rollInterval', 'idleTimeout', 'callTimeout'];
    const rig = await started(Object.fromEntries(keys.map((key) => [`hdfs.${key}`, '-1'])));
    await rig.write('a', 'b');
    await rig.clock.advance(60_000);
    await rig.settle();
    assert.deepEqual(rig.files(), { [`FlumeData.${start + 1}.tmp`]: 'a\nb\n' });
  });

  test('writes what has a place, and tries again what has none', async () => {
    const rig = await started({ 'hdfs.path': 'file:///logs/%Y' });
    const dated = { headers: { timestamp: '1795503791030' }, body: 'dated' };
    await assert.rejects(
      rig.write(dated, 'undated', dated),
      /1 of 3 events have no place: the first has no header timestamp/,
    );
    assert.deepEqual(Object.values(rig.files('/logs/2026')), ['dated\ndated\n']);
    assert.deepEqual(
      [...rig.committed],
      [
        [0, 1],
        [2, 3],
      ],
    );
  });

  test('takes the next number when a name is taken, and overwrites nothing', async () => {
    const rig = await started();
    rig.disk.plant(`/logs/FlumeData.${start + 1}`, 'older');
    rig.disk.plant(`/logs/FlumeData.${start + 2}.tmp`, 'of another agent');
    await rig.write('a');
    rig.disk.plant(`/logs/FlumeData.${start + 3}`, 'came meanwhile');
    await rig.sink.stop();
    assert.deepEqual(rig.files(), {
      [`FlumeData.${start + 1}`]: 'older',
      [`FlumeData.${start + 2}.tmp`]: 'of another agent',
      [`FlumeData.${start + 3}`]: 'came meanwhile',
      [`FlumeData.${start + 4}`]: 'a\n',
    });
    assert.equal(rig.state.size, 0);
  });

  test('leaves a file alone that a stranger made under the name it wanted', async () => {
    const rig = await started();
    // As if it had been killed between saying the name and hearing that it is taken.
    const mend = rig.disk.fail({ operations: ['open'], code: 'EIO' });
    await assert.rejects(rig.write('a'));
    mend();
    const names = [...rig.state.keys()];
    assert.match(names.join(), /^new file:\/\/\/logs\/FlumeData\.\d+\.tmp /);
    rig.disk.plant(`/logs/FlumeData.${start + 1}.tmp`, 'of a stranger');
    const next = await started({}, rig);
    assert.equal(next.files()[`FlumeData.${start + 1}.tmp`], 'of a stranger');
    assert.equal(next.state.size, 0);
  });

  test('commits what went to other buckets when one can not be written', async () => {
    const rig = await started({ 'hdfs.path': 'file:///logs/%{of}' });
    const to = (of: string) => ({ headers: { of }, body: of });
    await rig.write(to('bad'), to('good'));
    const mend = rig.disk.fail({
      operations: ['write'],
      path: (path) => path.includes('bad'),
      code: 'EIO',
    });
    await assert.rejects(rig.write(to('good'), to('bad'), to('good')), /write to .logs.bad/);
    assert.deepEqual(
      [...rig.committed],
      [
        [0, 3],
        [4, 5],
      ],
    );
    mend();
    await rig.write(to('bad'));
    await rig.sink.stop();
    assert.deepEqual(Object.values(rig.files('/logs/good')), ['good\ngood\ngood\n']);
    assert.deepEqual(Object.values(rig.files('/logs/bad')), ['bad\n', 'bad\n']);
  });

  test('says of a file that failed what is left of it, and nothing when nothing is', async () => {
    const rig = await started();
    const left = () => rig.log.lines.filter(({ sentence }) => sentence.includes('is left')).length;
    for (const expected of [0, 1]) {
      if (expected > 0) await rig.write('committed');
      const mend = rig.disk.fail({ operations: ['write'], code: 'EIO' });
      await assert.rejects(rig.write('a'), /write to .logs/);
      mend();
      assert.equal(left(), expected);
    }
    await rig.sink.stop();
  });

  test('a sink that the configuration no longer has leaves no file unfinished', async () => {
    const rig = await started();
    await rig.write('committed');
    rig.disk.fail({ operations: ['write'], code: 'EIO' });
    const [open = ''] = Object.keys(rig.files());
    rig.disk.plant(`/logs/${open}x`, 'another');
    const left = new Rig({}, rig);
    await hdfsSink.recover?.(left.context.settlement, left.context);
    assert.equal(left.files()[`FlumeData.${start + 1}`], 'committed\n');
    assert.equal(left.state.size, 0);
  });

  test('says which events are gone when a file is', async () => {
    const rig = await started();
    await rig.write('a');
    await rig.disk.unlink(`/logs/FlumeData.${start + 1}.tmp`);
    const next = await started({}, rig);
    const said = next.log.lines.filter(({ sentence }) => sentence.includes('is gone'));
    assert.equal(said.length, 1);
    assert.deepEqual(said[0]?.fields, {
      path: `/logs/FlumeData.${start + 1}.tmp`,
      lostFrom: 0,
      lostTo: 2,
    });
  });
});

const problemsOf = (lines: Readonly<Record<string, string>>) => {
  return (hdfsSink.check?.(configWith(lines)) ?? []).map(
    ({ key, problem }) => `${key}: ${problem}`,
  );
};

test('what can not be written is refused by name', () => {
  assert.deepEqual(problemsOf({}), []);
  const cases: [Record<string, string>, RegExp][] = [
    [{ 'hdfs.fileType': 'CompressedStream' }, /^hdfs.codeC: .* needs a codec/],
    [
      { 'hdfs.fileType': 'CompressedStream', 'hdfs.codeC': 'lzop' },
      /^hdfs.codeC: lzop cannot be had: .* use snappy or lz4/,
    ],
    [
      { 'hdfs.fileType': 'CompressedStream', 'hdfs.codeC': 'gzipp' },
      /^hdfs.codeC: no codec is called gzipp; there are gzip, /,
    ],
    [
      { 'hdfs.fileType': 'Parquet', 'hdfs.codeC': 'bzip2' },
      /^hdfs.codeC: Parquet files are compressed with snappy, .*, not bzip2/,
    ],
    [{ 'hdfs.fileType': 'SequenceFile', 'hdfs.writeFormat': 'Foo' }, /^hdfs.writeFormat: expected/],
    [{ 'hdfs.codeC': 'gzip' }, /^hdfs.codeC: .* not compressed/],
    [{ 'hdfs.path': 's3a://bucket/x' }, /^hdfs.path: s3a:.* neither HDFS nor/],
    [{ 'hdfs.path': 'hdfs://%{nn}/x' }, /^hdfs.path: .* can't be filled in/],
    [{ 'hdfs.path': '/x/%[nothing]' }, /^hdfs.path: .*nothing/],
    [{ 'hdfs.kerberosPrincipal': 'flume' }, /^hdfs.kerberosPrincipal: Kerberos is not/],
    [{ 'hdfs.round': 'true', 'hdfs.roundValue': '61' }, /^hdfs.roundValue: expected 1 to 60/],
    [{ 'hdfs.round': 'true', 'hdfs.roundUnit': 'day' }, /^hdfs.roundUnit: .*nothing is rounded/],
  ];
  for (const [lines, expected] of cases) {
    const problems = problemsOf(lines);
    assert.equal(problems.length, 1, problems.join());
    assert.match(problems[0] ?? '', expected);
  }
});
