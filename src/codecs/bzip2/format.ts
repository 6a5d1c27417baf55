/**
 * bzip2's file, which its author never specified; as bzip2 1.0.8 writes and reads it.
 *
 *   file   => [stream]
 *   stream => "BZh" level [block] 177245385090 crc [0 bit]
 *     level  => "1" to "9"          a block has up to level × 100,000 bytes, runs shortened
 *     crc    => u32                 of the blocks' sums; each turned left by a bit before the next
 *     the last bits fill a byte, so that the next stream begins with one
 *   block  => 314159265359 crc 0 row map tables selectorCount [selector] [lengths] [symbol]
 *     crc    => u32                 of the content
 *     0      => 1 bit               1: bytes are changed at random places, in versions before 0.9.5
 *     row    => 24 bits             where the block stands among its sorted rotations
 *     map    => 16 bits [16 bits]   which groups of 16 bytes occur; then, of each that does, which
 *     tables => 3 bits              2 to 6 Huffman codes
 *     selectorCount => 15 bits      groups of 50 symbols, the last one may be shorter
 *     selector      => [1 bit] 0    as many ones as tables were chosen since this one was
 *     lengths => 5 bits [[1 step] 0]   per table: a length, then for each symbol steps from the
 *                                      last one's length: 0 up, 1 down
 *     symbol  => bits               in the code of its group's table
 *
 * Symbols: 0 and 1 are digits, worth 1 and 2, lowest first, of the number of times that the byte
 * at the front of the list of bytes that occur is repeated; others are places in that list, from 1
 * on, whose byte moves to the front; the last symbol, one behind the last place, ends the block.
 * The bytes are the last column of the sorted rotations. In what these give, four equal bytes are
 * followed by a byte that tells how many more of them there are, up to 251.
 */
export const blockMagic = [0x314159, 0x265359] as const;
export const endMagic = [0x177245, 0x385090] as const;
export const bytesPerLevel = 100_000;
/** A run of so many equal bytes is followed by how often they are repeated beyond. */
export const runBytes = 4;
export const maxRunBytes = runBytes + 251;
export const groupSymbols = 50;
export const maxTables = 6;
/** Places 1 to 255, two digits, the end. */
export const maxSymbols = 258;
