import assert from 'node:assert/strict';
import { crc32 } from 'node:zlib';
import { LedgerLog } from '../../../src/channels/memory/ledger-log.ts';
import { ChannelError } from '../../../src/core/errors.ts';
import { silentLogger } from '../../../src/core/log.ts';
import { ManualClock } from '../../../src/testing/manual-clock.ts';
import { Prng } from '../../../src/testing/prng.ts';
import { SimulatedDisk } from '../../../src/testing/simulated-disk.ts';
import { type FuzzTarget, kindOf } from '../target.ts';

const directory = '/state';
const header = (boot: string) => ({ format: 'millrace-ledger', version: 1, boot, record: 1 });
const streams = { 'r1/a': { identity: { dev: 1, ino: 7 }, first: 0 } };

/** A ledger after a crash of the process, and after a power loss. */
function ledgerOf(boot: string): Buffer {
  const sinks = { k1: { set: { '/out/1': { length: 10 } }, delete: [] } };
  const lines = [
    header(boot),
    { record: 1, synced: 0, change: { sources: ['r1'], streams, done: {}, sinks: {} } },
    { record: 2, synced: 0, mark: 1 },
    { record: 3, synced: 2, change: { sinks }, saved: true },
    { record: 4, synced: 3, change: { done: { 'r1/a': [[0, 5]] }, sinks } },
    { record: 5, synced: 3, change: { done: { 'r1/a': [[10, 15]] }, retired: ['r1/b'] } },
  ];
  return Buffer.from(lines.map((line) => withSum(Buffer.from(JSON.stringify(line)))).join(''));
}

function withSum(json: Buffer): string {
  return `${crc32(json).toString(16).padStart(8, '0')} ${json.toString('latin1')}\n`;
}

export const ledgerTarget: FuzzTarget = {
  name: 'ledger',
  tokens: [
    ...['{', '}', '[', ']', ',', ':', 'null', '1', '""', '[[0,5]]', '__proto__', '[[', '\n'],
    ...['"record":', '"change":', '"mark":', '"sinks":', '"done":', '"streams":', '"set":{', '{}'],
  ],
  seeds: () => [ledgerOf('boot-1'), ledgerOf('boot-0')],
  repair: (input) => {
    const lines = input.toString('latin1').split('\n').filter(Boolean);
    const text = lines.map((line) => withSum(Buffer.from(line.slice(9), 'latin1'))).join('');
    return Buffer.from(text, 'latin1');
  },
  run: async (input) => {
    const disk = new SimulatedDisk();
    disk.plant(`${directory}/ledger.1`, input);
    const seams = { clock: new ManualClock(), disk, random: new Prng(1) };
    const log = new LedgerLog(directory, seams, silentLogger);
    try {
      await log.open();
    } catch (error) {
      assert(error instanceof ChannelError, error instanceof Error ? error.stack : String(error));
      assert.match(error.message, /^\/state\/ledger\.1 /);
      assert.deepEqual(disk.list(directory), ['ledger.1'], 'nothing is begun beside it');
      assert.deepEqual(disk.contents(`${directory}/ledger.1`), input, 'and it is left as it was');
      return kindOf(error);
    }
    // A number that JSON can't write (1e999) becomes null.
    const state = JSON.parse(JSON.stringify(log.ledger.snapshot()));
    await log.close();
    // What was understood is understood again.
    const next = new LedgerLog(directory, seams, silentLogger);
    await next.open();
    assert.deepEqual(JSON.parse(JSON.stringify(next.ledger.snapshot())), state);
    await next.close();
    return `${Object.keys(state.streams ?? {}).length} ${Object.keys(state.sinks ?? {}).length}`;
  },
};
