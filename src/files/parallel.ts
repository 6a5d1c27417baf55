/** Calls to the file system under way at once: as many as its thread pool is likely to have. */
const atOnce = 8;

/** Does something with each item, several at once, begun in order. Rejects with the first error. */
export async function inParallel<T>(
  items: readonly T[],
  each: (item: T) => Promise<void>,
): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < items.length) await each(items[next++] as T);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker));
}
