import { FormatError } from '../core/errors.ts';

const newlineByte = 10;

/**
 * The lines of a text, without their newlines; what stands behind the last newline is one too.
 * Lines are views of the input, or copies where they come in pieces.
 *
 * @throws FormatError when a line is longer than `maxBytes`, with the offset of its beginning
 */
export async function* readLines(
  input: AsyncIterable<Buffer>,
  maxBytes: number,
): AsyncGenerator<Buffer[]> {
  let pieces: Buffer[] = [];
  let pieceBytes = 0;
  let lineOffset = 0;
  const add = (piece: Buffer) => {
    pieceBytes += piece.length;
    if (pieceBytes > maxBytes) {
      throw new FormatError(`a line is longer than ${maxBytes} bytes`, lineOffset);
    }
    if (piece.length > 0) pieces.push(piece);
  };
  const end = () => {
    const [first = Buffer.alloc(0)] = pieces;
    const line = pieces.length > 1 ? Buffer.concat(pieces, pieceBytes) : first;
    lineOffset += pieceBytes + 1;
    pieces = [];
    pieceBytes = 0;
    return line;
  };
  for await (const chunk of input) {
    const lines: Buffer[] = [];
    let start = 0;
    for (let at = chunk.indexOf(newlineByte); at >= 0; at = chunk.indexOf(newlineByte, start)) {
      add(chunk.subarray(start, at));
      lines.push(end());
      start = at + 1;
    }
    if (lines.length > 0) yield lines;
    add(chunk.subarray(start));
  }
  if (pieceBytes > 0) yield [end()];
}
