import assert from 'node:assert/strict';
import { silentLogger } from '../../../src/core/log.ts';
import { PositionFile } from '../../../src/sources/taildir/position-file.ts';
import { SimulatedDisk } from '../../../src/testing/simulated-disk.ts';
import type { FuzzTarget } from '../target.ts';

const path = '/dir/positions.json';
const valid = [
  '[]',
  '[{"inode":1,"pos":9,"file":"/dir/a.log"}]',
  '[{"inode":2496001,"pos":14,"file":"/a b/é\\u0000.log"},{"inode":2,"pos":0,"file":""}]',
];

export const positionsTarget: FuzzTarget = {
  name: 'positions',
  tokens: [
    '[',
    ']',
    '{',
    '}',
    '"',
    ',',
    ':',
    '\\',
    '{"a":',
    'null',
    '1e999',
    '-1',
    '"pos":',
    '\ufeff',
  ],
  seeds: () => valid.map((text) => Buffer.from(text)),
  run: async (input) => {
    const disk = new SimulatedDisk();
    disk.plant(path, input);
    const file = new PositionFile(path, disk, silentLogger);
    const positions = await file.read();
    for (const { inode, pos, file: name } of positions) {
      assert(typeof inode === 'number' && typeof pos === 'number' && typeof name === 'string');
    }
    const aside = disk.list('/dir').includes('positions.json.bad');
    if (aside) assert.deepEqual(disk.contents(`${path}.bad`), input, 'kept as it was');
    else {
      await file.write(positions);
      const again = await new PositionFile(path, disk, silentLogger).read();
      if (positions.every(isWritable)) assert.deepEqual(again, positions.map(bare));
    }
    return `${aside} ${Math.min(9, positions.length)}`;
  },
};

type Position = Awaited<ReturnType<PositionFile['read']>>[number];

/** Numbers that JSON can't write (1e999) come back as null. */
function isWritable({ inode, pos }: Position): boolean {
  return Number.isFinite(inode) && Number.isFinite(pos);
}

/** What else an entry has is not written again, nor is the sign of -0. */
function bare({ inode, pos, file }: Position): Position {
  return { inode: inode + 0, pos: pos + 0, file };
}
