import { Writer } from '../bytes/writer.ts';
import { FormatError } from '../core/errors.ts';
import { type Codec, once } from './codec.ts';

/**
 * The whole content of a compressed buffer.
 *
 * @throws FormatError when it is broken, cut off or holds more than `maxBytes`
 */
export async function decompressAll(
  codec: Codec,
  bytes: Buffer,
  maxBytes: number,
): Promise<Buffer> {
  // Copied together: an input can be made of very many very small pieces.
  const content = new Writer();
  for await (const piece of codec.decompress(once(bytes))) {
    if (content.length + piece.length > maxBytes) {
      throw new FormatError(`the content is larger than ${maxBytes} bytes`, 0);
    }
    content.bytes(piece);
  }
  return content.take();
}
