import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { EventBatch } from '../../src/core/event-batch.ts';
import { avroEventSerializer } from '../../src/formats/avro-event.ts';
import { parquetSerializer } from '../../src/formats/parquet.ts';
import { sequenceFileSerializer } from '../../src/formats/sequence-file.ts';
import { serializerContext } from '../../src/testing/component-context.ts';
import { configOf } from '../../src/testing/config-of.ts';
import { Prng, seedFromEnvironment } from '../../src/testing/prng.ts';
import { type FileLines, FormatReader, readerMissing } from './format-lines.ts';
import type { Format } from './format-options.ts';

const lines = Array.from({ length: 300 }, (_, index) => `left 0 ${index} ${'x'.repeat(index)}.`);
const seed = seedFromEnvironment();

/** The parts of a file with all lines that are written one after the other. */
const partsOf: Readonly<Record<Format, () => Promise<readonly Buffer[]>>> = {
  text: async () => lines.map((line) => Buffer.from(`${line}\n`)),
  gzip: async () => thirds().map((some) => gzipSync(some.map((line) => `${line}\n`).join(''))),
  avro: async () => {
    const config = configOf(avroEventSerializer.fields, { compressionCodec: 'deflate' });
    return serialized(avroEventSerializer.create(config, serializerContext()));
  },
  sequence: async () => {
    const config = configOf(sequenceFileSerializer.fields, { codec: 'snappy' });
    return serialized(sequenceFileSerializer.create(config, serializerContext()));
  },
  parquet: async () => {
    const config = configOf(parquetSerializer.fields, {});
    return serialized(parquetSerializer.create(config, serializerContext()));
  },
};

function thirds(): string[][] {
  return [lines.slice(0, 100), lines.slice(100, 200), lines.slice(200)];
}

async function serialized(
  serializer: ReturnType<typeof parquetSerializer.create>,
): Promise<Buffer[]> {
  const parts = [Buffer.concat(serializer.begin())];
  for (const some of thirds()) {
    const events = some.map((line) => ({ headers: {}, body: Buffer.from(line) }));
    const written = [...serializer.write(EventBatch.of(events)), ...(await serializer.flush())];
    parts.push(Buffer.concat(written));
  }
  return [...parts, ...((await serializer.end?.()) ?? [])];
}

describe(`the readers of the kill loop, MILLRACE_SEED=${seed}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-format-lines-'));
  after(() => rmSync(folder, { recursive: true }));

  for (const [format, parts] of Object.entries(partsOf) as [Format, typeof partsOf.text][]) {
    test(`${format}: a whole file is read, and one that is cut off is known`, {
      skip: readerMissing(format),
    }, async () => {
      const reader = new FormatReader(format);
      const random = new Prng(seed);
      const read = async (bytes: Buffer): Promise<FileLines> => {
        const path = join(folder, `a file.${format}`);
        writeFileSync(path, bytes);
        return reader.read(path);
      };
      try {
        const made = await parts();
        const whole = Buffer.concat(made);
        assert.deepEqual(await read(whole), { lines });
        // Where a part ends, what is there is whole again, unless the end tells what is where.
        const ends = new Set<number>();
        if (format !== 'parquet') made.reduce((at, part) => ends.add(at) && at + part.length, 0);
        for (let round = 0; round < 60; round++) {
          const length = random.chance(0.3)
            ? random.pick([...ends, 0]) + random.pick([1, 2, 3])
            : random.integer(whole.length);
          if (ends.has(length) || length >= whole.length) continue;
          assert((await read(whole.subarray(0, length))).problem, `cut to ${length}`);
        }
        for (const tail of [Buffer.alloc(8), Buffer.from('x'), whole.subarray(0, 30)]) {
          assert((await read(Buffer.concat([whole, tail]))).problem, tail.toString('hex'));
        }
        assert.deepEqual(await read(whole), { lines }, 'it goes on after broken ones');
      } finally {
        reader.close();
      }
    });
  }
});
