import { strict as assert } from 'node:assert';
import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type ChannelKind, runModel, type SinkKind } from './world.ts';

const root = join(import.meta.dirname, '../..');
const seeds = Number(process.env['MILLRACE_MODEL_SEEDS'] ?? 2000);
const first = Number(process.env['MILLRACE_SEED'] ?? 0);
const minute = 60_000;

test(`over ${seeds} lives of agents from seed ${first} nothing is lost or doubled`, async () => {
  for (let seed = first; seed < first + seeds; seed++) {
    try {
      await runModel(seed);
    } catch (error) {
      throw new Error(`MILLRACE_SEED=${seed} MILLRACE_MODEL_SEEDS=1 repeats it`, { cause: error });
    }
  }
});

/** A defect on purpose: the model must see it. */
interface Mutant {
  readonly channel: ChannelKind;
  /** Default: file_roll. */
  readonly sink?: SinkKind;
  readonly defect: string;
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

const mutants: readonly Mutant[] = [
  {
    channel: 'memory',
    defect: 'a mark that covers what was committed while data was synced',
    file: 'src/channels/memory/ledger-log.ts',
    from: 'mark: upTo });',
    to: 'mark: this.#record });',
  },
  {
    channel: 'memory',
    defect: "trimming what ends at an island's beginning",
    file: 'src/core/put-rule.ts',
    from: 'end > low && end <= high',
    to: 'end >= low && end <= high',
  },
  {
    channel: 'memory',
    defect: 'a commit before its write',
    file: 'src/outputs/local-files.ts',
    from: 'await this.#file.write(buffers, this.#length);',
    to: `const at = this.#length;
      setImmediate(() => void this.#file.write(buffers, at).catch(() => {}));`,
  },
  {
    channel: 'file',
    defect: 'a segment whose name is not synced',
    file: 'src/channels/file/segments.ts',
    from: `      await this.#seams.disk.rename(path, final);
      await this.#seams.disk.syncDirectory(dirname(path));`,
    to: '      await this.#seams.disk.rename(path, final);',
  },
  {
    channel: 'file',
    defect: 'a segment given up before snapshots are behind it',
    file: 'src/channels/file/upkeep.ts',
    from: '|| number >= newest || number >= snapshots.oldestSegment) continue;',
    to: '|| number === newest) continue;',
  },
  {
    channel: 'file',
    defect: 'a failed sync that is tried again in place',
    file: 'src/channels/file/log.ts',
    from: 'await active.file.sync();',
    to: 'await active.file.sync().catch(() => active.file.sync());',
  },
  {
    channel: 'spillable',
    defect: 'a commit that says nothing of what was in memory alone',
    file: 'src/channels/file/file-channel.ts',
    from: '...(unlogged && unlogged.events > 0 && { done: unlogged.done }),',
    to: '',
  },
  {
    channel: 'memory',
    sink: 'hdfs',
    defect: 'a commit of more than was flushed',
    file: 'src/outputs/bucket-file.ts',
    from: 'entry: jsonOf({ ...this.entry, length }),',
    to: 'entry: jsonOf({ ...this.entry, length: length + 9 }),',
  },
  {
    channel: 'file',
    sink: 'hdfs',
    defect: 'a file that is made before its name is in the state',
    file: 'src/outputs/bucket-writer.ts',
    from: 'await commits.save(Object.fromEntries(makings.map(({ key, entry }) => [key, jsonOf(entry)])));',
    to: '',
  },
  {
    channel: 'memory',
    sink: 'hdfs',
    defect: 'a file that is closed with more than what was committed',
    file: 'src/outputs/recovery.ts',
    from: 'await this.#cut(name, length);',
    to: '',
  },
];

for (const { channel, sink = 'file_roll', defect, file, from, to } of mutants) {
  test(`the model catches ${defect}, within a minute`, async (context) => {
    const copy = await mkdtemp(join(tmpdir(), 'millrace-mutant-'));
    context.after(() => rm(copy, { recursive: true }));
    for (const part of ['src', 'test/model', 'package.json']) {
      await cp(join(root, part), join(copy, part), { recursive: true });
    }
    await symlink(join(root, 'node_modules'), join(copy, 'node_modules'));
    const source = await readFile(join(copy, file), 'utf8');
    assert.equal(source.split(from).length, 2, 'the mutant changes one place');
    await writeFile(
      join(copy, file),
      source.replace(from, () => to),
    );
    const { code, output } = await run(join(copy, 'test/model/run.ts'), channel, sink);
    assert.equal(code, 1, output);
    assert.match(output, /^seed \d+:/);
  });
}

function run(
  script: string,
  channel: ChannelKind,
  sink: SinkKind,
): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    const options = { timeout: minute };
    execFile(
      process.execPath,
      [script, '--seconds', '60', '--channel', channel, '--sink', sink],
      options,
      (error, stdout, stderr) => {
        resolve({ code: Number(error?.code ?? 0), output: stderr + stdout });
      },
    );
  });
}
