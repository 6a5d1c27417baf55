import { TextDecoder } from 'node:util';

/** Turns what one peer sends into UTF-8: it keeps what a chunk has of a character. */
export type ToUtf8 = (chunk: Buffer) => Buffer;

/** Java's names, without what may stand between letters and digits, where ours differ. */
const aliases: Readonly<Record<string, string>> = {
  utf16: 'utf-16',
  cp1250: 'windows-1250',
  cp1251: 'windows-1251',
  cp1252: 'windows-1252',
  sjis: 'shift_jis',
  eucjp: 'euc-jp',
  euckr: 'euc-kr',
  iso2022jp: 'iso-2022-jp',
};

/** Is what comes UTF-8, or plain ASCII, already? Then no byte needs to be changed. */
export function isUtf8(encoding: string): boolean {
  return ['utf8', 'ascii', 'usascii', 'iso646us'].includes(plain(encoding));
}

/**
 * How bytes in an encoding become UTF-8, for one peer; `undefined`: there is no such encoding here.
 * Bytes that stand for nothing become U+FFFD.
 */
export function toUtf8(encoding: string): ToUtf8 | undefined {
  const name = plain(encoding);
  if (isUtf8(encoding)) return (chunk) => chunk;
  // Node's decoder takes this for Windows-1252, which differs from 80 to 9f.
  if (name === 'iso88591' || name === 'latin1') {
    return (chunk) => Buffer.from(chunk.toString('latin1'));
  }
  if (name === 'utf16') return utf16();
  try {
    return decoding(new TextDecoder(aliases[name] ?? encoding));
  } catch {
    return undefined;
  }
}

/** Big-endian unless it begins with the mark of the other order, as in Java. */
function utf16(): ToUtf8 {
  let decode: ToUtf8 | undefined;
  return (chunk) => {
    decode ??= decoding(new TextDecoder(chunk[0] === 0xff ? 'utf-16le' : 'utf-16be'));
    return decode(chunk);
  };
}

function decoding(decoder: TextDecoder): ToUtf8 {
  return (chunk) => Buffer.from(decoder.decode(chunk, { stream: true }));
}

function plain(encoding: string): string {
  return encoding.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
}
