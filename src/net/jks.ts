import { createHash, timingSafeEqual } from 'node:crypto';
import { DerReader, derTags } from '../bytes/der.ts';
import { FormatError } from '../core/errors.ts';

/** What a key store of any kind holds. */
export interface KeyStore {
  readonly keys: readonly KeyEntry[];
  /** Certificates that are trusted, DER. */
  readonly trusted: readonly Buffer[];
}

export interface KeyEntry {
  readonly alias: string;
  /** PKCS #8, DER, in clear. */
  readonly key: Buffer;
  /** DER; the key's own certificate first. */
  readonly chain: readonly Buffer[];
}

/** The password does not open the store, or not a key in it. */
export class WrongPasswordError extends Error {}

export const jksMagic = 0xfeedfeed;
/** Java's key stores for secret keys begin with this; they are not read. */
export const jceksMagic = 0xcececece;

const tagKey = 1;
const tagCertificate = 2;
/** Mixed into the digest of the whole file; a fixed word of the format. */
const whitener = 'Mighty Aphrodite';
const digestBytes = 20;
/** Sun's own protection of keys. */
const sunProtection = '1.3.6.1.4.1.42.2.17.1.1';

/**
 * Reads a Java key store. Source: what OpenJDK's `JavaKeyStore` and `KeyProtector` write.
 * All integers big-endian.
 *
 *   store => magic version count [entry] digest
 *     magic   => FEEDFEED
 *     version => INT32          1 or 2
 *     count   => INT32
 *     entry   => tag alias date (key | certificate)
 *       tag         => INT32    1 a private key, 2 a trusted certificate
 *       alias       => INT16 length, modified UTF-8
 *       date        => INT64    ms since 1970
 *       key         => INT32 length, EncryptedPrivateKeyInfo, INT32 count, [certificate]
 *       certificate => type (version 2: as an alias), INT32 length, DER
 *     digest  => SHA-1 of the password in UTF-16, a fixed word, and all that stands before
 *
 * @throws FormatError, WrongPasswordError
 */
export function readJks(bytes: Buffer, password: string): KeyStore {
  const reader = new JksReader(bytes.subarray(0, Math.max(0, bytes.length - digestBytes)));
  if (reader.u32('magic') !== jksMagic) throw new FormatError('not a Java key store', 0);
  const version = reader.u32('version');
  if (version !== 1 && version !== 2) throw new FormatError(`version ${version}`, 4);
  const secret = Buffer.from(password, 'utf16le').swap16();
  const digest = createHash('sha1')
    .update(secret)
    .update(whitener)
    .update(bytes.subarray(0, -digestBytes))
    .digest();
  if (!timingSafeEqual(digest, bytes.subarray(-digestBytes))) throw new WrongPasswordError();
  const keys: KeyEntry[] = [];
  const trusted: Buffer[] = [];
  const count = reader.u32('number of entries');
  for (let index = 0; index < count; index++) {
    const tag = reader.u32('tag');
    const alias = reader.text('alias');
    reader.view(8, 'date');
    if (tag === tagCertificate) trusted.push(reader.certificate(version));
    else if (tag === tagKey) {
      const sealed = reader.block('private key');
      const length = reader.u32('length of the chain');
      const chain: Buffer[] = [];
      for (let link = 0; link < length; link++) chain.push(reader.certificate(version));
      keys.push({ alias, key: openKey(sealed, secret), chain });
    } else throw new FormatError(`an entry of kind ${tag}`, reader.offset);
  }
  return { keys, trusted };
}

class JksReader {
  readonly #bytes: Buffer;
  offset = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  u32(what: string): number {
    return this.view(4, what).readUInt32BE();
  }

  text(what: string): string {
    return this.view(this.view(2, what).readUInt16BE(), what).toString('utf8');
  }

  /** Bytes behind their length. */
  block(what: string): Buffer {
    return this.view(this.u32(what), what);
  }

  certificate(version: number): Buffer {
    if (version === 2) this.text('type of a certificate');
    return this.block('certificate');
  }

  view(length: number, what: string): Buffer {
    if (length > this.#bytes.length - this.offset) {
      throw new FormatError(`${what}: ${length} bytes do not fit`, this.offset);
    }
    this.offset += length;
    return this.#bytes.subarray(this.offset - length, this.offset);
  }
}

/**
 * EncryptedPrivateKeyInfo => { { protection, NULL }, salt (20 bytes) sealed check (20 bytes) }: the
 * key is XORed with a stream of SHA-1 digests, each of the password and the one before, the first
 * of the password and the salt. The check is the digest of password and key.
 */
function openKey(info: Buffer, secret: Buffer): Buffer {
  const outer = new DerReader(info).enter('private key', derTags.sequence);
  const protection = outer.enter('protection', derTags.sequence).objectIdentifier('protection');
  if (protection !== sunProtection) throw new FormatError(`protection ${protection}`, 0);
  const data = outer.octets('sealed key');
  if (data.length < 2 * digestBytes) throw new FormatError('a sealed key that is too short', 0);
  const sealed = data.subarray(digestBytes, -digestBytes);
  const key = Buffer.alloc(sealed.length);
  let digest = data.subarray(0, digestBytes);
  for (let at = 0; at < sealed.length; at++) {
    const within = at % digestBytes;
    if (within === 0) digest = createHash('sha1').update(secret).update(digest).digest();
    key[at] = (sealed[at] as number) ^ (digest[within] as number);
  }
  const check = createHash('sha1').update(secret).update(key).digest();
  if (!timingSafeEqual(check, data.subarray(-digestBytes))) throw new WrongPasswordError();
  return key;
}
