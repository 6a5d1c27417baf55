/*
 * RC2, RFC 2268: only to read the certificates of PKCS #12 files that older programs made, which
 * encrypt them with 40 bits of it; what OpenSSL of today, and so Node, no longer does.
 */

/** PITABLE of section 2: a permutation made of the digits of pi. */
const permutation = Buffer.from(
  'd978f9c419ddb5ed28e9fd794aa0d89dc67e37832b76538e624c6488448bfba2' +
    '179a59f587b34f1361456d8d09817d32bd8f40eb86b77b0bf09521225c6b4e82' +
    '54d66593ce60b21c7356c014a78cf1dc1275ca1f3bbee4d1423dd430a33cb626' +
    '6fbf0eda4669075727f21d9bbc944303f811c7f690ef3ee706c3d52fc8661ed7' +
    '08e8eade8052eef784aa72ac354d6a2a961ad2715a1549744b9fd05e0418a4ec' +
    'c2e0416e0f51cbcc2491af50a1f47039997c3a8523b8b47afc02365b25559731' +
    '2d5dfa98e38a92ae05df2910676cbac9d300e6cfe19ea82c6316013f58e289a9' +
    '0d38341bab33ffb0bb480c5fb9b1cd2ec5f3db47e5a59c770aa62068fe7fc1ad',
  'hex',
);

const blockBytes = 8;
/** Rotations of the four words in a mixing round. */
const rotations = [1, 2, 3, 5] as const;

/** Decrypts CBC, with the padding left in; `key` is as long as its effective bits. */
export function decryptRc2Cbc(key: Buffer, initial: Buffer, sealed: Buffer): Buffer {
  const words = expandKey(key);
  const plain = Buffer.alloc(sealed.length);
  let before = initial;
  for (let at = 0; at + blockBytes <= sealed.length; at += blockBytes) {
    const block = sealed.subarray(at, at + blockBytes);
    const opened = decryptBlock(words, block);
    for (let index = 0; index < blockBytes; index++) {
      plain[at + index] = (opened[index] as number) ^ (before[index] as number);
    }
    before = block;
  }
  return plain;
}

/** Section 2: 64 words of 16 bits. */
function expandKey(key: Buffer): Uint16Array {
  const bytes = new Uint8Array(128);
  bytes.set(key);
  const at = (index: number) => bytes[index] as number;
  for (let index = key.length; index < 128; index++) {
    const sum = at(index - 1) + at(index - key.length);
    bytes[index] = permutation[sum & 255] as number;
  }
  const first = 128 - key.length;
  bytes[first] = permutation[at(first)] as number;
  for (let index = first - 1; index >= 0; index--) {
    bytes[index] = permutation[at(index + 1) ^ at(index + key.length)] as number;
  }
  return Uint16Array.from({ length: 64 }, (_, index) => at(index * 2) + at(index * 2 + 1) * 256);
}

/** Section 4: five mixing rounds, a mashing one, six, one, five; all of it backwards. */
function decryptBlock(key: Uint16Array, block: Buffer): Buffer {
  const words = Uint16Array.from({ length: 4 }, (_, index) => block.readUInt16LE(index * 2));
  const word = (index: number) => words[(index + 8) & 3] as number;
  let next = 63;
  for (let round = 16; round > 0; round--) {
    for (let index = 3; index >= 0; index--) {
      const by = rotations[index] as number;
      const turned = ((word(index) >>> by) | (word(index) << (16 - by))) & 0xffff;
      const chosen = (word(index - 1) & word(index - 2)) + (~word(index - 1) & word(index - 3));
      words[index] = turned - (key[next--] as number) - chosen;
    }
    if (round === 12 || round === 6) {
      for (let index = 3; index >= 0; index--) {
        words[index] = word(index) - (key[word(index - 1) & 63] as number);
      }
    }
  }
  const plain = Buffer.alloc(blockBytes);
  for (let index = 0; index < 4; index++) plain.writeUInt16LE(word(index), index * 2);
  return plain;
}
