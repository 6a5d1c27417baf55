import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { codecNamed, codecs } from '../codecs/codecs.ts';
import { EventBatch } from '../core/event-batch.ts';
import { serializerNamed } from '../formats/event-serializers.ts';
import { serializerContext } from '../testing/component-context.ts';
import { configOf } from '../testing/config-of.ts';
import { packageRoot } from './command.ts';

const directory = mkdtempSync(join(tmpdir(), 'millrace-cat-'));
after(() => rmSync(directory, { recursive: true }));

function cat(...args: string[]) {
  const command = [join(packageRoot(), 'bin', 'millrace'), 'cat', ...args];
  const options = { cwd: directory, encoding: 'utf8', timeout: 20_000 } as const;
  const { status, stdout, stderr } = spawnSync(process.execPath, command, options);
  return { code: status, out: stdout, err: stderr };
}

const events = EventBatch.of([
  { headers: { timestamp: '1700000000000', host: 'h1' }, body: 'one' },
  { headers: { timestamp: '1700000000001', host: 'h2' }, body: 'zwölf' },
]);

/** The bytes of a file of these events. */
async function fileOf(type: string, options: Record<string, string> = {}): Promise<Buffer> {
  const definition = serializerNamed(type);
  assert(definition);
  const config = configOf(definition.fields, options);
  const serializer = definition.create(config, serializerContext());
  const parts = [...serializer.begin(), ...serializer.write(events)];
  parts.push(...(await serializer.flush()), ...((await serializer.end?.()) ?? []));
  return Buffer.concat(parts);
}

const text = 'one\nzwölf\n';

describe('millrace cat', () => {
  for (const { name, extension, compressor } of codecs) {
    test(`prints text that is compressed with ${name}`, async () => {
      const [first, second] = [Buffer.from('one\n'), Buffer.from('zwölf\n')];
      const members = [await compressor(0)([first]), await compressor(0)([second])];
      writeFileSync(join(directory, `text${extension}`), Buffer.concat(members));
      assert.deepEqual(cat(`text${extension}`), { code: 0, out: text, err: '' });
      assert.match(cat('--info', `text${extension}`).out, new RegExp(`text.*${name}`));
      writeFileSync(join(directory, 'text.x'), Buffer.concat(members));
      assert.equal(cat('--codec', name, 'text.x').out, text);
    });
  }

  test('prints a SequenceFile as time, tab, body', async () => {
    for (const options of [{}, { writeFormat: 'Text', codec: 'snappy' }]) {
      writeFileSync(join(directory, 's'), await fileOf('sequence_file', options));
      assert.equal(cat('s').out, '1700000000000\tone\n1700000000001\tzwölf\n');
    }
    assert.match(cat('--info', 's').out, /LongWritable → .*Text; BLOCK; .*SnappyCodec/);
  });

  test('prints Avro and Parquet as JSON lines', async () => {
    writeFileSync(join(directory, 'a'), await fileOf('avro_event', { compressionCodec: 'snappy' }));
    const [line = ''] = cat('a').out.split('\n');
    const headers = { timestamp: '1700000000000', host: 'h1' };
    assert.deepEqual(JSON.parse(line), { headers, body: 'one' });
    const options = { columns: 'timestamp host body', 'columns.body.type': 'string' };
    writeFileSync(join(directory, 'p'), await fileOf('parquet', options));
    const [, second = ''] = cat('p').out.split('\n');
    assert.deepEqual(JSON.parse(second), { timestamp: 1700000000001, host: 'h2', body: 'zwölf' });
    assert.match(cat('--info', 'p').out, /parquet; 2 rows in 1 row groups; .*body string/);
  });

  test('finds a format behind a codec, also of a file in use', async () => {
    const member = await codecNamed('snappy')?.compressor(0)([await fileOf('avro_event')]);
    assert(member);
    writeFileSync(join(directory, 'x.snappy.tmp'), member);
    assert.equal(cat('x.snappy.tmp').out.split('\n').length, 3);
  });

  test('prints what is sound of a broken file, and says where it breaks', async () => {
    const whole = await fileOf('sequence_file');
    writeFileSync(join(directory, 'cut'), whole.subarray(0, whole.length - 23));
    const { code, out, err } = cat('cut', 'missing');
    assert.equal(out, '1700000000000\tone\n');
    assert.match(err, /^millrace cat: cut: .* is cut off, at byte \d+\n.*missing: ENOENT/s);
    assert.equal(code, 1);
  });

  test('wants a file, and a codec that there is', () => {
    assert.equal(cat().code, 2);
    assert.equal(cat('--codec', 'lzop', 'a').code, 2);
  });
});
