import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import { crc32 } from 'node:zlib';
import { ChannelError } from '../../core/errors.ts';
import type { LedgerChange } from '../../core/ledger.ts';
import { componentContext } from '../../testing/component-context.ts';
import { Prng, seedFromEnvironment } from '../../testing/prng.ts';
import { SimulatedDisk } from '../../testing/simulated-disk.ts';
import { LedgerLog } from './ledger-log.ts';

const directory = '/state/c1';
const firstFile = `${directory}/ledger.1`;
const nothing: LedgerChange = { sources: [], streams: {}, done: {}, sinks: {} };

function ledgerOn(disk: SimulatedDisk): LedgerLog {
  const context = componentContext('c1');
  return new LedgerLog(directory, { ...context, disk }, context.log);
}

async function openOn(disk: SimulatedDisk): Promise<LedgerLog> {
  const log = ledgerOn(disk);
  await log.open();
  return log;
}

/** A disk with this one file; after a power loss, when it is asked for. */
function diskWith(bytes: Buffer, powerLost = false): SimulatedDisk {
  const disk = powerLost ? new SimulatedDisk().crash('power') : new SimulatedDisk();
  disk.plant(firstFile, bytes);
  return disk;
}

interface Both {
  readonly ledger: LedgerChange;
  readonly marked: LedgerChange;
}

function both({ ledger, marked }: LedgerLog): Both {
  return { ledger: ledger.snapshot(), marked: marked.snapshot() };
}

/** What a disk's ledger says to whoever opens it. */
async function readFrom(disk: SimulatedDisk): Promise<Both | ChannelError> {
  const log = ledgerOn(disk);
  try {
    await log.open();
  } catch (error) {
    assert(error instanceof ChannelError, String(error));
    return error;
  }
  await log.close();
  return both(log);
}

const path = (name: string, length: number): LedgerChange => ({
  sinks: { k1: { set: { [name]: length } } },
});

/**
 * A ledger of a few changes, none two of them alike: what it says after each of its lines, as
 * the file of a process that was killed at the end.
 */
async function history(): Promise<{ lines: Line[]; states: Both[] }> {
  const disk = new SimulatedDisk();
  const log = await openOn(disk);
  const states = [both(log)];
  const stated = async (work: Promise<void>) => {
    await work;
    states.push(both(log));
  };
  const appended = (change: LedgerChange) => {
    log.append(change);
    return stated(log.write());
  };
  await stated(log.save({ sources: ['r1'], streams: { s: { identity: 1, first: 0 } } }));
  await stated(log.save(path('/1', 0)));
  await appended({ done: { s: [[0, 5]] }, ...path('/1', 5) });
  await stated(log.mark(async () => {}));
  await stated(log.save(path('/2', 0)));
  await appended({ done: { s: [[5, 9]] }, sinks: { k1: { set: { '/2': 4 }, delete: ['/1'] } } });
  await appended({ done: { s: [[9, 12]] }, ...path('/2', 7) });
  return { lines: linesOf(disk.contents(firstFile)), states };
}

interface Line {
  readonly offset: number;
  /** Just after its newline. */
  readonly end: number;
  readonly bytes: Buffer;
  readonly record: number;
  readonly synced: number;
}

/** The header's `synced` is none. */
function linesOf(file: Buffer): Line[] {
  const lines: Line[] = [];
  for (let offset = 0; offset < file.length; ) {
    const end = file.indexOf('\n', offset) + 1;
    const { record, synced = 0 } = JSON.parse(file.toString('utf8', offset + 9, end));
    lines.push({ offset, end, bytes: file.subarray(offset, end), record, synced });
    offset = end;
  }
  return lines;
}

function fileOf(lines: readonly Line[]): Buffer {
  return Buffer.concat(lines.map(({ bytes }) => bytes));
}

/** Header, snapshot and mark: what a generation without changes has. */
const startLines = 3;

/** What the file says when it ends after so many lines. */
function stateAfter(states: readonly Both[], count: number): Both | undefined {
  if (count < 2) return undefined;
  return states[Math.max(0, count - startLines)];
}

function assertDamagedAt(found: Both | ChannelError, offset: number): void {
  assert(found instanceof ChannelError, 'it is refused');
  assert(found.message.startsWith(`${firstFile} is damaged at byte ${offset}:`), found.message);
}

describe('the file of a ledger', () => {
  test('cut anywhere says what its whole lines say, or is refused by name and byte', async () => {
    const { lines, states } = await history();
    assert.equal(lines.length, startLines + states.length - 1);
    const file = fileOf(lines);
    for (let length = 0; length <= file.length; length++) {
      const found = await readFrom(diskWith(file.subarray(0, length)));
      const expected = stateAfter(states, lines.filter(({ end }) => end <= length).length);
      if (expected) assert.deepEqual(found, expected, `cut at ${length}`);
      else assertDamagedAt(found, 0);
    }
  });

  test('with a flipped bit is refused, or cut before it if not known to be synced', async () => {
    const { lines, states } = await history();
    const file = fileOf(lines);
    for (const [index, line] of lines.entries()) {
      for (let bit = line.offset * 8; bit < line.end * 8; bit++) {
        const flipped = Buffer.from(file);
        flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        // Where the newline is hit, the line after it can't be read either.
        const next = index + (bit >> 3 === line.end - 1 ? 2 : 1);
        const witness = lines.slice(next).some(({ synced }) => index > 0 && synced >= line.record);
        const expected = witness ? undefined : stateAfter(states, index);
        const found = await readFrom(diskWith(flipped));
        if (expected) assert.deepEqual(found, expected, `bit ${bit}`);
        else assertDamagedAt(found, witness ? line.offset : 0);
      }
    }
  });

  test('with any byte of a synced change overwritten is refused after a power loss', async () => {
    const { lines } = await history();
    const file = fileOf(lines);
    const synced = Math.max(...lines.map((line) => line.synced));
    for (const line of lines.filter(({ record }) => record <= synced)) {
      for (let at = line.offset; at < line.end; at++) {
        const overwritten = Buffer.from(file).fill(0, at, at + 1);
        const found = await readFrom(diskWith(overwritten, true));
        assert(found instanceof ChannelError, `byte ${at}`);
      }
    }
  });

  test('cut anywhere and read after a power loss says what is marked, and new paths', async () => {
    const { lines, states } = await history();
    const file = fileOf(lines);
    // Header, snapshot, mark, source, path, change, mark, path, change, change.
    const markedAt = lines[6]?.end ?? 0;
    const pathAt = lines[7]?.end ?? 0;
    const atMark = states[4]?.ledger;
    for (let length = markedAt; length <= file.length; length++) {
      const found = await readFrom(diskWith(file.subarray(0, length), true));
      assert(!(found instanceof ChannelError));
      const known = length < pathAt ? { '/1': 5 } : { '/1': 5, '/2': 0 };
      assert.deepEqual(found.ledger, { ...atMark, sinks: { k1: { set: known } } });
      assert.deepEqual(found.marked, found.ledger);
    }
  });

  test('of a newer version is left as it is, and the error says the way back', async () => {
    const header = { format: 'millrace-ledger', version: 2, layout: 'unknown' };
    const file = Buffer.concat([lineOf(header), Buffer.from('what version 2 has')]);
    const disk = diskWith(file);
    const error = await readFrom(disk);
    assert(error instanceof ChannelError);
    assert.match(error.message, /ledger\.1 has format version 2, and this program reads 1/);
    assert.match(error.message, /go back to the newer program, or move the file away/);
    assert.deepEqual(disk.list(directory), ['ledger.1']);
    assert.deepEqual(disk.contents(firstFile), file);
  });

  for (const [what, line] of Object.entries({
    'no record': [1],
    'a record without a number': { synced: 0, change: {} },
    'neither change nor mark': { record: 3, synced: 0 },
    'a mark that is no number': { record: 3, synced: 0, mark: 'x' },
    'sources that are a text': { record: 3, synced: 0, change: { sources: 'r1' } },
    'a range of one bound': { record: 3, synced: 0, change: { done: { s: [[1]] } } },
    'a stream without a beginning': {
      record: 3,
      synced: 0,
      change: { streams: { s: { identity: 1 } } },
    },
    'a state that is a list': { record: 3, synced: 0, change: { sinks: { k1: { set: [1] } } } },
  })) {
    test(`with ${what} behind a sound checksum is refused there`, async () => {
      const { lines } = await history();
      const start = fileOf(lines.slice(0, startLines));
      const found = await readFrom(diskWith(Buffer.concat([start, lineOf(line)])));
      assertDamagedAt(found, start.length);
    });
  }

  test('with something that is not JSON behind a sound checksum is refused there', async () => {
    const { lines } = await history();
    const file = Buffer.concat([fileOf(lines), withSum(Buffer.from('{"record":'))]);
    assertDamagedAt(await readFrom(diskWith(file)), lines.at(-1)?.end ?? 0);
  });
});

function lineOf(value: unknown): Buffer {
  return withSum(Buffer.from(JSON.stringify(value)));
}

function withSum(json: Buffer): Buffer {
  return Buffer.from(`${crc32(json).toString(16).padStart(8, '0')} ${json}\n`);
}

describe('a new generation', () => {
  /** A disk as a killed process leaves it: with marked and unmarked changes, all of them synced. */
  async function used(seed: number): Promise<{ disk: SimulatedDisk; states: Both }> {
    const disk = new SimulatedDisk({ seed });
    const log = await openOn(disk);
    await log.save({ streams: { s: { identity: 1, first: 0 } }, ...path('/1', 0) });
    log.append({ done: { s: [[0, 5]] }, ...path('/1', 5) });
    await log.mark(async () => {});
    log.append({ done: { s: [[5, 9]] }, ...path('/1', 9) });
    await log.save(path('/2', 0));
    return { disk: disk.crash('process'), states: both(log) };
  }

  for (const kind of ['process', 'power'] as const) {
    test(`that any operation of which crashes (${kind}) leaves a readable ledger`, async () => {
      const seed = seedFromEnvironment();
      for (let round = 0; round < 10; round++) {
        const message = `with MILLRACE_SEED=${seed}, round ${round}`;
        const { disk: whole, states } = await used(seed + round);
        const expected = kind === 'process' ? states : await readFrom(whole.crash('power'));
        for (let at = 0; ; at++) {
          const { disk } = await used(seed + round);
          const next = await crashWhileOpening(disk, kind, at);
          if (!next) {
            assert(at >= 8, `it has ${at} operations`);
            break;
          }
          const found = await readFrom(next);
          assert.deepEqual(found, expected, `${message}, operation ${at}`);
          assert.equal(next.list(directory).length, 1, 'what was left over is gone');
        }
      }
    });
  }

  /** The disk after the crash; `undefined` when there were not so many operations. */
  async function crashWhileOpening(
    disk: SimulatedDisk,
    kind: 'process' | 'power',
    at: number,
  ): Promise<SimulatedDisk | undefined> {
    let next: SimulatedDisk | undefined;
    let seen = 0;
    disk.onOperation = () => {
      if (seen++ === at) next = disk.crash(kind);
    };
    await ledgerOn(disk)
      .open()
      .catch(() => {});
    return next;
  }

  test('that fails at any operation can be begun again by the same channel', async () => {
    for (let after = 0; ; after++) {
      const { disk, states } = await used(1);
      const log = ledgerOn(disk);
      const mend = disk.fail({ code: 'EIO', after, times: 1 });
      const failed = await log.open().then(
        () => false,
        () => true,
      );
      mend();
      if (!failed) break;
      await log.open();
      assert.deepEqual(both(log), states, `operation ${after}`);
      await log.save(path('/3', 0));
      const expected = both(log);
      assert.deepEqual(await readFrom(disk.crash('process')), expected, `operation ${after}`);
    }
  });

  test('is begun when the file has grown, and keeps what is marked and what is not', async () => {
    const disk = new SimulatedDisk();
    const log = await openOn(disk);
    await growUntilMarked(log, disk);
    log.append(path('/unmarked', 1));
    await log.write();
    assert.deepEqual(disk.list(directory), ['ledger.2']);
    assert(disk.contents(`${directory}/ledger.2`).length < 2_000_000, 'the old changes are gone');
    const expected = both(log);
    assert.deepEqual(expected.marked.sinks?.['k1']?.set?.['/unmarked'], undefined);
    assert.deepEqual(await readFrom(disk.crash('process')), expected);
  });

  test('that fails half way is made before anything more is promised', async () => {
    const disk = new SimulatedDisk();
    const log = await openOn(disk);
    await growUntilMarked(log, disk);
    log.append(path('/unmarked', 1));
    const mend = disk.fail({ operations: ['syncDirectory'], code: 'EIO' });
    await assert.rejects(log.write(), ChannelError);
    assert.deepEqual(disk.list(directory), ['ledger.1', 'ledger.2']);
    const promised = await log.save(path('/promised', 0)).then(
      () => true,
      () => false,
    );
    mend();
    const found = await readFrom(disk.crash('process'));
    assert(!(found instanceof ChannelError));
    const known = '/promised' in (found.ledger.sinks?.['k1']?.set ?? {});
    assert(known || !promised, 'a path whose save resolved is known after the crash');
  });

  /** Just over the size at which the next write begins a generation; all of it is marked. */
  async function growUntilMarked(log: LedgerLog, disk: SimulatedDisk): Promise<void> {
    const large = 'x'.repeat(1 << 20);
    for (let count = 0; count < 4; count++) {
      log.append({ sinks: { k1: { set: { large: `${count}${large}` } } } });
      // A mark writes, too, but begins nothing.
      if (count < 3) await log.write();
      else await log.mark(async () => {});
    }
    assert(disk.contents(firstFile).length > 4 << 20);
  }

  test('is begun after a sync that failed, and the change is in it', async () => {
    const disk = new SimulatedDisk();
    const log = await openOn(disk);
    disk.fail({ operations: ['sync'], code: 'EIO', times: 1 });
    await assert.rejects(log.save(path('/1', 0)), (error) => {
      assert(error instanceof ChannelError);
      assert.match(error.message, /sync of .*ledger\.1 failed/);
      return true;
    });
    await log.save(path('/2', 0));
    assert.deepEqual(disk.list(directory), ['ledger.2']);
    const found = await readFrom(disk.crash('power'));
    assert(!(found instanceof ChannelError));
    assert.deepEqual(found.ledger, { ...nothing, ...path('/1', 0), sinks: both(log).ledger.sinks });
  });
});

describe('a ledger', () => {
  test('that is new says nothing, and is there after a power loss', async () => {
    const disk = new SimulatedDisk();
    const log = await openOn(disk);
    assert.deepEqual(both(log), { ledger: nothing, marked: nothing });
    assert.deepEqual(disk.durableList(directory), ['ledger.1']);
    const found = await readFrom(disk.crash('power'));
    assert.deepEqual(found, { ledger: nothing, marked: nothing });
  });

  test('writes again, in order, what a full disk refused', async () => {
    const disk = new SimulatedDisk();
    const log = await openOn(disk);
    const mend = disk.fail({ operations: ['write'], code: 'ENOSPC' });
    log.append(path('/1', 1));
    await assert.rejects(log.write());
    log.append(path('/1', 2));
    assert(log.hasUnwritten);
    mend();
    await log.write();
    assert(!log.hasUnwritten);
    assert.deepEqual(await readFrom(disk.crash('process')), both(log));
  });

  test('marks what there was when syncing began, and nothing that came meanwhile', async () => {
    const disk = new SimulatedDisk();
    const log = await openOn(disk);
    await log.save(path('/1', 0));
    log.append(path('/1', 1));
    await log.mark(async () => {
      log.append(path('/1', 2));
      await log.write();
    });
    assert(log.hasUnmarked);
    assert.deepEqual(log.marked.snapshot(), { ...nothing, ...path('/1', 1) });
    const found = await readFrom(disk.crash('power'));
    assert(!(found instanceof ChannelError));
    assert.deepEqual(found.ledger, { ...nothing, ...path('/1', 1) });
  });

  test('marks nothing when syncing the data fails', async () => {
    const log = await openOn(new SimulatedDisk());
    log.append(path('/1', 1));
    await assert.rejects(
      log.mark(() => Promise.reject(new Error('EIO'))),
      /EIO/,
    );
    assert.deepEqual(log.marked.snapshot(), nothing);
    assert(log.hasUnmarked);
  });

  test('is after any crash what some of its changes in order make it', async () => {
    const seed = seedFromEnvironment();
    for (let round = 0; round < 100; round++) {
      try {
        await crashAtRandom(new Prng(seed + round));
      } catch (error) {
        throw new Error(`with MILLRACE_SEED=${seed + round}`, { cause: error });
      }
    }
  });
});

/** Everything saved or marked is found again, and nothing beyond what was appended. */
async function crashAtRandom(prng: Prng): Promise<void> {
  const disk = new SimulatedDisk({ seed: prng.integer(2 ** 31) });
  const log = await openOn(disk);
  let next = 0;
  let marked = 0;
  const saved: string[] = [];
  disk.fail({ operations: ['write', 'sync', 'syncDirectory', 'rename'], code: 'EIO', chance: 0.1 });
  for (let step = prng.integer(30); step > 0; step--) {
    try {
      const what = prng.pick(['append', 'append', 'save', 'mark'] as const);
      if (what === 'append') {
        log.append({ sinks: { k1: { set: { count: ++next } } } });
        if (prng.chance(0.5)) await log.write();
      } else if (what === 'save') {
        const name = `/${step}`;
        await log.save(path(name, 0));
        saved.push(name);
      } else {
        const upTo = next;
        await log.mark(async () => {});
        marked = log.hasUnmarked ? marked : upTo;
      }
    } catch {
      // The disk failed; the ledger goes on.
    }
  }
  const found = await readFrom(disk.crash(prng.pick(['process', 'power'])));
  assert(!(found instanceof ChannelError), String(found));
  const state = found.ledger.sinks?.['k1']?.set ?? {};
  for (const name of saved) assert(name in state, `${name} is known`);
  const count = Number(state['count'] ?? 0);
  assert(count >= marked && count <= next, `${marked} <= ${count} <= ${next}`);
}
