import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { nodeDisk } from '../../src/core/node-disk.ts';
import { Prng, seedFromEnvironment } from '../../src/testing/prng.ts';
import { FlowFolder } from '../../testbed/flow-folder.ts';
import { SmallFileSystem, smallFileSystemMissing } from '../../testbed/small-file-system.ts';

const megabyte = 1 << 20;
const rounds = 20;
const seed = seedFromEnvironment();
const skip = smallFileSystemMissing();

describe(`a disk that fails while a file is synced, MILLRACE_SEED=${seed}`, { skip }, () => {
  test('has what a sync that resolves has promised', async (t) => {
    const random = new Prng(seed);
    const disk = SmallFileSystem.in(new FlowFolder(t), { bytes: 16 * megabyte });
    let promised = 0;
    for (let round = 0; round < rounds; round++) {
      const path = join(disk.path, `file-${round}`);
      const bytes = Buffer.alloc(100_000 + random.integer(400_000), 'x');
      const file = await nodeDisk.open(path, 'w');
      await file.write([bytes], 0);
      await file.sync();
      await file.write([bytes], bytes.length);
      const synced = file.sync().then(
        () => true,
        () => false,
      );
      busyFor(random.next());
      disk.fail();
      const length = (await synced) ? 2 * bytes.length : bytes.length;
      if (length > bytes.length) promised++;
      await file.close();
      disk.repair();
      const kept = readFileSync(path).subarray(0, length);
      assert(kept.equals(Buffer.alloc(length, 'x')), `round ${round}: ${kept.length} of ${length}`);
    }
    t.diagnostic(`${promised} of ${rounds} syncs had been done`);
  });
});

/** Keeps this thread, so that the sync is under way in another one for that long. */
function busyFor(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}
