import { strict as assert } from 'node:assert';
import { defineSerializer } from '../config/definition.ts';
import type { EventBatch } from '../core/event-batch.ts';
import type { EventSerializer } from '../core/serializer.ts';

/*
 * Lines in blocks that are made beside the event loop, for tests of what sinks do with such formats
 * as Avro, and as Parquet.
 */

/** A file can be cut behind each block. */
export const lineBlocksSerializer = defineSerializer({
  type: 'line_blocks',
  summary: 'Lines, some at a time.',
  fields: {},
  create: () => new LineBlocks(),
});

/** A file is only readable with its end. */
export const wholeFileSerializer = defineSerializer({
  type: 'whole_file',
  summary: 'Lines between a beginning and an end.',
  fields: {},
  wholeFile: true,
  create: () => new WholeFile(),
});

const beginning = 'BEGIN\n';
const ending = 'END\n';

class LineBlocks implements EventSerializer {
  readonly blockBytes = 100;
  #held: Buffer[] = [];
  heldBytes = 0;

  begin(): readonly Buffer[] {
    return [];
  }

  write(batch: EventBatch): readonly Buffer[] {
    for (const { body } of batch) {
      this.#held.push(Buffer.from(`${body}\n`));
      this.heldBytes += body.length + 1;
    }
    return [];
  }

  async flush(): Promise<readonly Buffer[]> {
    const held = this.#held;
    this.#held = [];
    this.heldBytes = 0;
    // Later than anything that is made at once.
    await new Promise((resolve) => setImmediate(resolve));
    return held;
  }
}

class WholeFile extends LineBlocks {
  override begin(): readonly Buffer[] {
    return [Buffer.from(beginning)];
  }

  async end(): Promise<readonly Buffer[]> {
    return [Buffer.from(ending)];
  }
}

/** The lines of a file that must be whole. */
export function linesOfWhole(file: Buffer): string[] {
  const text = file.toString();
  assert(text.startsWith(beginning) && text.endsWith(ending), `half a file: ${text}`);
  const lines = text.slice(beginning.length, -ending.length);
  return lines === '' ? [] : lines.replace(/\n$/, '').split('\n');
}
