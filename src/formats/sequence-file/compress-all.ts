import type { Compress } from '../../codecs/codec.ts';

/**
 * Each compressor at work has some hundred KiB of its own, and there are few threads: more at once
 * gain nothing.
 */
const maxAtOnce = 8;

/** Compresses each input to a member of its own, several at the same time. */
export async function compressAll(
  compress: Compress,
  inputs: readonly (readonly Buffer[])[],
): Promise<Buffer[]> {
  const members = new Array<Buffer>(inputs.length);
  let next = 0;
  const work = async () => {
    for (let index = next++; index < inputs.length; index = next++) {
      members[index] = await compress(inputs[index] as readonly Buffer[]);
    }
  };
  await Promise.all(Array.from({ length: Math.min(maxAtOnce, inputs.length) }, work));
  return members;
}
