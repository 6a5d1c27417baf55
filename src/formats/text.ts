import { defineSerializer } from '../config/definition.ts';
import { boolean, type ConfigOf } from '../config/field.ts';
import type { EventBatch } from '../core/event-batch.ts';
import type { EventSerializer } from '../core/serializer.ts';

const fields = {
  appendNewline: boolean({
    doc: 'Ends each body with a newline; false writes the bodies one directly after the other.',
    default: true,
  }),
};

export const textSerializer = defineSerializer({
  type: 'text',
  classes: [
    'org.apache.flume.serialization.BodyTextEventSerializer',
    'org.apache.flume.serialization.BodyTextEventSerializer$Builder',
  ],
  summary: 'The bodies, one per line. Headers are not written.',
  notes: 'A newline inside a body is written as it is, so that body becomes several lines.',
  fields,
  example: 'sink.serializer = text',
  create: (config) => new TextSerializer(config),
});

const newlineByte = 10;
const newline = Buffer.from('\n');

/**
 * Runs shorter than this on average are copied together: cheaper than a buffer each in `writev`.
 */
const gatherBelowBytes = 2048;

/**
 * Lines that a source left where it read them lie in the slab with their newlines, so a whole run
 * of them is written as one view of it; nothing is made per event.
 */
class TextSerializer implements EventSerializer {
  readonly #newline: boolean;

  constructor(config: ConfigOf<typeof fields>) {
    this.#newline = config.appendNewline;
  }

  begin(): readonly Buffer[] {
    return [];
  }

  write(batch: EventBatch): readonly Buffer[] {
    if (batch.length === 0) return [];
    const bounds = this.#newline ? lineRuns(batch) : bodyRuns(batch);
    let bytes = 0;
    for (let at = 0; at < bounds.length; at += 2) {
      bytes += (bounds[at + 1] as number) - (bounds[at] as number);
    }
    const runs = bounds.length / 2;
    return runs > 1 && bytes < runs * gatherBelowBytes
      ? [copyRuns(batch.slab, bounds, bytes, this.#newline)]
      : viewRuns(batch.slab, bounds, this.#newline);
  }

  flush(): readonly Buffer[] {
    return [];
  }
}

/**
 * Bounds in the slab, two per run, of adjacent lines: each body but the last of a run is followed
 * by its newline and then the next body. The newline of the last is not counted in.
 */
function lineRuns({ slab, starts, ends }: EventBatch): number[] {
  const bounds = [starts[0] as number];
  let end = ends[0] as number;
  for (let index = 1; index < starts.length; index++) {
    const start = starts[index] as number;
    if (start !== end + 1 || slab[end] !== newlineByte) bounds.push(end, start);
    end = ends[index] as number;
  }
  bounds.push(end);
  return bounds;
}

/** The same of bodies that follow each other directly. */
function bodyRuns({ starts, ends }: EventBatch): number[] {
  const bounds = [starts[0] as number];
  let end = ends[0] as number;
  for (let index = 1; index < starts.length; index++) {
    const start = starts[index] as number;
    if (start !== end) bounds.push(end, start);
    end = ends[index] as number;
  }
  bounds.push(end);
  return bounds;
}

function viewRuns(slab: Buffer, bounds: readonly number[], lines: boolean): Buffer[] {
  const views: Buffer[] = [];
  for (let at = 0; at < bounds.length; at += 2) {
    const from = bounds[at] as number;
    const to = bounds[at + 1] as number;
    const ended = lines && slab[to] === newlineByte;
    const view = slab.subarray(from, ended ? to + 1 : to);
    if (view.length > 0) views.push(view);
    if (lines && !ended) views.push(newline);
  }
  return views;
}

function copyRuns(slab: Buffer, bounds: readonly number[], bytes: number, lines: boolean): Buffer {
  const copy = Buffer.allocUnsafe(bytes + (lines ? bounds.length / 2 : 0));
  let end = 0;
  for (let at = 0; at < bounds.length; at += 2) {
    end += slab.copy(copy, end, bounds[at], bounds[at + 1]);
    if (lines) copy[end++] = newlineByte;
  }
  return copy;
}
