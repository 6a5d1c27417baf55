import {
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  hkdfSync,
  type KeyObject,
} from 'node:crypto';
import { crc32c } from '@node-rs/crc32';
import type { Random } from '../../core/clock.ts';
import type { Disk } from '../../core/disk.ts';
import { ChannelError } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';

/*
 * Encryption of the log: AES-256-GCM over the payload of each record. Invariants:
 *
 *  1. Each segment has a key of its own, made from a configured one and 32 random bytes when the
 *     segment is made; a spare that becomes a segment again gets another.
 *  2. The nonce is the record's number. Within one segment a number is written once: after a write
 *     that failed nothing more is written there, and the numbers that come again are in the next
 *     segment.
 *  3. What the header of a record says is authenticated with the payload. The record's CRC is over
 *     the ciphertext: so damage shows without the key, and is told from a record that was changed.
 *  4. The segment's header says which key it needs, and has a value that only that key gives: so a
 *     wrong key is found before a record is read.
 *
 * Behind the fields of a segment's header, when its flag says so, little-endian:
 *
 *   encryption => random check alias_length alias crc
 *     random       => 32 bytes
 *     check        => 16 bytes  the value that only the right key gives
 *     alias_length => UINT8     in bytes
 *     alias        => 255 bytes UTF-8, zeros behind it
 *     crc          => UINT32    CRC-32C of what comes before it, seeded with the segment's salt
 *
 *   key check = HKDF-SHA256(configured key, salt: random, then the segment's salt as UINT32,
 *               info: "millrace log segment 1"), 32 and 16 bytes
 *   nonce     = the record's number as in its header, then four zeros
 *   payload   = ciphertext, then 16 bytes of tag
 */
const tagBytes = 16;
export const encryptionBytes = 308;
export const maxAliasBytes = 255;

const algorithm = 'aes-256-gcm';
const info = 'millrace log segment 1';
const keyBytes = 32;
const randomBytes = 32;
const checkBytes = 16;
const aliasOffset = randomBytes + checkBytes;
const crcOffset = encryptionBytes - 4;
const nonceBytes = 12;
/** Of a record's number, which a record's authenticated header begins with. */
const numberBytes = 8;
/** A key file is a line at most. */
const maxKeyFileBytes = 1024;

export interface EncryptionOptions {
  /** The key of new segments; absent: they are not encrypted. */
  readonly active: string | undefined;
  /** Alias → file, of every key that a segment may have been written with. */
  readonly files: ReadonlyMap<string, string>;
}

/** What seals and opens the records of one segment. */
export class SegmentCipher {
  readonly #key: KeyObject;

  constructor(key: KeyObject) {
    this.#key = key;
  }

  /** @param head what of a record's header is authenticated; begins with its number */
  seal(head: Buffer, payload: readonly Buffer[]): Buffer[] {
    const cipher = createCipheriv(algorithm, this.#key, nonceOf(head), { authTagLength: tagBytes });
    cipher.setAAD(head);
    const sealed = payload.map((part) => cipher.update(part));
    sealed.push(cipher.final(), cipher.getAuthTag());
    return sealed;
  }

  /** The payload; `undefined` when head or payload are not what was sealed. */
  open(head: Buffer, sealed: Buffer): Buffer | undefined {
    if (sealed.length < tagBytes) return undefined;
    const end = sealed.length - tagBytes;
    const options = { authTagLength: tagBytes };
    const decipher = createDecipheriv(algorithm, this.#key, nonceOf(head), options);
    decipher.setAAD(head);
    decipher.setAuthTag(sealed.subarray(end));
    const payload = decipher.update(sealed.subarray(0, end));
    try {
      decipher.final();
      return payload;
    } catch {
      return undefined;
    }
  }
}

interface ConfiguredKey {
  readonly file: string;
  readonly key: KeyObject;
}

/** The configured keys. */
export class KeyRing {
  readonly #active: string | undefined;
  readonly #keys: ReadonlyMap<string, ConfiguredKey>;

  constructor(active?: string, keys: ReadonlyMap<string, ConfiguredKey> = new Map()) {
    this.#active = active;
    this.#keys = keys;
  }

  /** @throws ChannelError when a key can't be read; it says which */
  static async load(options: EncryptionOptions, disk: Disk, log: Logger): Promise<KeyRing> {
    const keys = new Map<string, ConfiguredKey>();
    for (const [alias, file] of options.files) {
      keys.set(alias, { file, key: await readKey(alias, file, disk, log) });
    }
    const { active } = options;
    if (active !== undefined && !keys.has(active)) throw unknownKey('the log', active);
    return new KeyRing(active, keys);
  }

  /** By how much sealing makes the payloads of new segments longer, in bytes. */
  get sealBytes(): number {
    return this.#active === undefined ? 0 : tagBytes;
  }

  /** The cipher of a new segment, and what its header says of it; absent without encryption. */
  forNew(salt: number, random: Random): { cipher: SegmentCipher; header: Buffer } | undefined {
    const configured = this.#active === undefined ? undefined : this.#keys.get(this.#active);
    if (this.#active === undefined || !configured) return undefined;
    const header = Buffer.alloc(encryptionBytes);
    header.set(random.bytes(randomBytes));
    const { key, check } = derive(configured.key, header.subarray(0, randomBytes), salt);
    header.set(check, randomBytes);
    header[aliasOffset] = header.write(this.#active, aliasOffset + 1, maxAliasBytes);
    header.writeUInt32LE(crc32c(header.subarray(0, crcOffset), salt), crcOffset);
    return { cipher: new SegmentCipher(key), header };
  }

  /**
   * The cipher of a segment that is there.
   * @param header what its header says, whole
   * @throws ChannelError when its key is missing or another one
   */
  forStored(header: Buffer, salt: number, path: string): SegmentCipher {
    const aliasEnd = aliasOffset + 1 + header.readUInt8(aliasOffset);
    const alias = header.toString('utf8', aliasOffset + 1, aliasEnd);
    const configured = this.#keys.get(alias);
    if (!configured) throw unknownKey(path, alias);
    const { key, check } = derive(configured.key, header.subarray(0, randomBytes), salt);
    if (!check.equals(header.subarray(randomBytes, aliasOffset))) {
      throw new ChannelError(
        `${path} was encrypted with another key "${alias}" than the one in ${configured.file}: ` +
          'give the old key back its file, or another alias to the new one',
      );
    }
    return new SegmentCipher(key);
  }
}

/** Is it what a segment's header says of its encryption? */
export function isEncryptionWhole(header: Buffer, salt: number): boolean {
  if (header.length < encryptionBytes) return false;
  return crc32c(header.subarray(0, crcOffset), salt) === header.readUInt32LE(crcOffset);
}

function unknownKey(what: string, alias: string): ChannelError {
  return new ChannelError(
    `${what} is encrypted with the key "${alias}", which is not configured: name its file with ` +
      `encryption.keys.${alias}.file`,
  );
}

function nonceOf(head: Buffer): Buffer {
  const nonce = Buffer.alloc(nonceBytes);
  head.copy(nonce, 0, 0, numberBytes);
  return nonce;
}

function derive(configured: KeyObject, random: Buffer, salt: number) {
  const salted = Buffer.alloc(randomBytes + 4);
  random.copy(salted);
  salted.writeUInt32LE(salt, randomBytes);
  const bytes = Buffer.from(hkdfSync('sha256', configured, salted, info, keyBytes + checkBytes));
  const key = createSecretKey(bytes.subarray(0, keyBytes));
  return { key, check: bytes.subarray(keyBytes) };
}

async function readKey(alias: string, file: string, disk: Disk, log: Logger): Promise<KeyObject> {
  let bytes: Buffer;
  try {
    const stat = await disk.stat(file);
    if ('mode' in stat && typeof stat.mode === 'number' && (stat.mode & 0o077) !== 0) {
      log.warn({ path: file }, 'Others may read this key: give its file the mode 0600.');
    }
    if (stat.size > maxKeyFileBytes) throw new Error(`it has ${stat.size} bytes`);
    bytes = await disk.readFile(file);
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    throw new ChannelError(`the key "${alias}" can't be read from ${file}: ${cause}`, {
      cause: error,
    });
  }
  const key = parseKey(bytes);
  if (key) return createSecretKey(key);
  throw new ChannelError(
    `${file} is no key ("${alias}"): expected 32 bytes, as they are, as 64 hexadecimal digits, ` +
      'or in ' +
      'base64',
  );
}

function parseKey(bytes: Buffer): Buffer | undefined {
  if (bytes.length === keyBytes) return bytes;
  const text = bytes.toString('latin1').trim();
  if (/^[0-9a-f]{64}$/i.test(text)) return Buffer.from(text, 'hex');
  return /^[a-z0-9+/]{43}=?$/i.test(text) ? Buffer.from(text, 'base64') : undefined;
}
