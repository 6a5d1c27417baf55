import type { EventBatch } from './event-batch.ts';

/** The batch with one value for a header: for every event, or only for those that lack it. */
export function setHeader(
  batch: EventBatch,
  name: string,
  value: string,
  preserveExisting: boolean,
): EventBatch {
  const column = preserveExisting ? batch.headers.get(name) : undefined;
  if (column === undefined) return batch.withHeader(name, value);
  if (typeof column === 'string' || !column.includes(undefined)) return batch;
  return batch.withHeader(
    name,
    column.map((existing) => existing ?? value),
  );
}
