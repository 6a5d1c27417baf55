import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { Prng, seedFromEnvironment } from '../prng.ts';
import { SimulatedDisk } from '../simulated-disk.ts';

test('a simulated disk behaves as a map of buffers, whatever is done to it', async (t) => {
  const seed = seedFromEnvironment();
  t.diagnostic(`MILLRACE_SEED=${seed}`);
  const prng = new Prng(seed);
  let disk = new SimulatedDisk({ seed });
  const model = new Map<string, Buffer>();
  const names = ['/a', '/b', '/c'];
  for (let step = 0; step < 400; step++) {
    const [name, other] = [prng.pick(names), prng.pick(names)];
    const contents = model.get(name);
    if (!contents) {
      await (await disk.open(name, 'wx')).close();
      model.set(name, Buffer.alloc(0));
    } else if (prng.chance(0.7)) {
      const file = await disk.open(name, 'r+');
      const bytes = prng.bytes(prng.integer(2_000));
      const at = prng.integer(contents.length + 600);
      await file.write([bytes.subarray(0, 7), bytes.subarray(7)], at);
      const end = bytes.length === 0 ? 0 : at + bytes.length;
      const grown = Buffer.alloc(Math.max(contents.length, end));
      contents.copy(grown);
      bytes.copy(grown, at);
      const cut = prng.integer(grown.length + 100);
      if (prng.chance(0.2)) await file.truncate(cut);
      else if (prng.chance(0.3)) await file.sync();
      if ((await file.stat()).size === cut) {
        model.set(name, Buffer.concat([grown, Buffer.alloc(100)]).subarray(0, cut));
      } else model.set(name, grown);
      await file.close();
    } else if (other !== name) {
      await disk.rename(name, other);
      model.set(other, contents);
      model.delete(name);
    }
    if (prng.chance(0.05)) disk = disk.crash('process');
    for (const [path, expected] of model) assert.deepEqual(disk.contents(path), expected);
    assert.deepEqual(disk.list('/'), [...model.keys()].map((path) => path.slice(1)).sort());
  }
});
