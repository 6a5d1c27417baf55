import { isAscii } from 'node:buffer';

/**
 * Charsets by the names that Java has for them, over what this runtime can decode. UTF-32, EBCDIC
 * and other rare ones it can't.
 */
export interface Charset {
  /** One name for all of its aliases. */
  readonly name: string;
  /**
   * `utf-8`; `single`: a byte is a character; `multi`: characters of several bytes, in which no
   * newline byte occurs; `stateful`: the same, but ASCII bytes may mean something else; `wide`:
   * UTF-16.
   */
  readonly kind: 'utf-8' | 'single' | 'multi' | 'stateful' | 'wide';
  /** For `wide`: in which order the two bytes stand; `bom`: as the file's first two bytes say. */
  readonly order?: 'little' | 'big' | 'bom';
}

/** Java's names that the decoder does not know, or knows as something else. */
const aliases: Readonly<Record<string, readonly string[]>> = {
  'utf-8': ['utf8', 'unicode-1-1-utf-8'],
  'us-ascii': ['ascii', 'iso646-us', 'ansi_x3.4-1968', 'ascii7', '646', 'us', 'cp367', 'ibm367'],
  'iso-8859-1': ['iso_8859-1', '8859_1', 'latin1', 'l1', 'cp819', 'ibm819', '819', 'csisolatin1'],
  'utf-16': ['utf_16', 'utf16', 'unicode', 'unicodebig', 'x-utf-16le-bom', 'unicodelittle'],
  'utf-16be': ['utf_16be', 'x-utf-16be', 'unicodebigunmarked', 'iso-10646-ucs-2'],
  'utf-16le': ['utf_16le', 'x-utf-16le', 'unicodelittleunmarked'],
  shift_jis: ['sjis', 'shift-jis', 'windows-31j', 'ms932', 'ms_kanji', 'cswindows31j'],
  gbk: ['cp936', 'ms936', 'windows-936', 'gb2312', 'euc_cn', 'euc-cn', 'euccn'],
  gb18030: ['gb18030-2000'],
  big5: ['ms950', 'x-windows-950', 'csbig5'],
  'euc-jp': ['eucjp', 'euc_jp', 'x-euc-jp'],
  'euc-kr': ['euckr', 'euc_kr', 'ks_c_5601-1987', 'ms949', 'x-windows-949'],
  'koi8-r': ['koi8_r', 'koi8'],
  'koi8-u': ['koi8_u'],
  ibm866: ['cp866', '866'],
  'windows-874': ['x-windows-874', 'ms874', 'tis-620', 'tis620', 'x-ibm874'],
  macintosh: ['x-macroman', 'macroman'],
  'iso-2022-jp': ['iso2022jp', 'csiso2022jp', 'jis'],
};
const canonical = new Map(
  Object.entries(aliases).flatMap(([name, others]) =>
    [name, ...others].map((each) => [each, name]),
  ),
);
const multi = ['shift_jis', 'gbk', 'gb18030', 'big5', 'euc-jp', 'euc-kr'];

/** `undefined`: there is no such charset, or none that can be decoded here. */
export function charsetNamed(word: string): Charset | undefined {
  const lower = word.toLowerCase();
  const plain = lower
    .replace(/^cp(125\d)$/, 'windows-$1')
    .replace(/^(?:iso)?8859_(\d+)$/, 'iso-8859-$1')
    .replace(/^iso8859-(\d+)$/, 'iso-8859-$1');
  const name = canonical.get(lower) ?? canonical.get(plain) ?? plain;
  if (name === 'utf-8') return { name, kind: 'utf-8' };
  if (name === 'us-ascii' || name === 'iso-8859-1') return { name, kind: 'single' };
  if (name === 'utf-16') return { name, kind: 'wide', order: 'bom' };
  if (name === 'utf-16le') return { name, kind: 'wide', order: 'little' };
  if (name === 'utf-16be') return { name, kind: 'wide', order: 'big' };
  if (name === 'iso-2022-jp') return { name, kind: 'stateful' };
  if (multi.includes(name)) return { name, kind: 'multi' };
  return /^(windows-125\d|windows-874|iso-8859-\d+|koi8-[ru]|ibm866|macintosh)$/.test(name) &&
    isDecodable(name)
    ? { name, kind: 'single' }
    : undefined;
}

function isDecodable(name: string): boolean {
  try {
    new TextDecoder(name);
    return true;
  } catch {
    return false;
  }
}

/** What to do with bytes that are no character. */
export type OnBadBytes = 'fail' | 'replace' | 'ignore';

/**
 * Decodes text that begins and ends between two characters.
 *
 * @throws TypeError for bytes that are no character, where that is to fail
 */
export type Decode = (bytes: Buffer) => string;

/** @param name the canonical name; for `utf-16` with the order that the file has */
export function decoderOf(name: string, onBadBytes: OnBadBytes): Decode {
  if (name === 'iso-8859-1') return (bytes) => bytes.toString('latin1');
  const replaced = onBadBytes === 'ignore' ? '' : '\ufffd';
  if (name === 'us-ascii') {
    return (bytes) => {
      const text = bytes.toString('latin1');
      if (onBadBytes !== 'fail') return text.replace(/[\x80-\xff]/g, replaced);
      if (!isAscii(bytes)) throw new TypeError('not ASCII');
      return text;
    };
  }
  const decoder = new TextDecoder(name, { fatal: onBadBytes === 'fail', ignoreBOM: true });
  if (onBadBytes !== 'ignore') return (bytes) => decoder.decode(bytes);
  // A replacement character in the input itself goes as well.
  return (bytes) => decoder.decode(bytes).replaceAll('\ufffd', '');
}
