import {
  createDecipheriv,
  createHash,
  createHmac,
  createPrivateKey,
  pbkdf2Sync,
  timingSafeEqual,
  X509Certificate,
} from 'node:crypto';
import { DerReader, derTags } from '../bytes/der.ts';
import { FormatError } from '../core/errors.ts';
import { type KeyStore, WrongPasswordError } from './jks.ts';
import { decryptRc2Cbc } from './rc2.ts';

/*
 * Reads PKCS #12 files (RFC 7292), as keytool and OpenSSL make them. Node reads such a file only
 * when it holds a key, so not the trust stores of Java, and none whose certificates are encrypted
 * with 40 bits of RC2, as Java and OpenSSL did for long.
 *
 *   PFX           => { 3, data(authSafe), [mac] }
 *   authSafe      => { data(SafeContents) | encryptedData(SafeContents) … }
 *   SafeContents  => { bag … }
 *   bag           => { kind, [0] value, [{ attribute, { value … } } …] }
 *   encryptedData => { 0, { data, algorithm, [0] sealed } }
 */

const oids = {
  data: '1.2.840.113549.1.7.1',
  encryptedData: '1.2.840.113549.1.7.6',
  keyBag: '1.2.840.113549.1.12.10.1.1',
  sealedKeyBag: '1.2.840.113549.1.12.10.1.2',
  certificateBag: '1.2.840.113549.1.12.10.1.3',
  friendlyName: '1.2.840.113549.1.9.20',
  localKeyId: '1.2.840.113549.1.9.21',
  pbes2: '1.2.840.113549.1.5.13',
  pbkdf2: '1.2.840.113549.1.5.12',
} as const;

/** The older schemes: password based, with the derivation of appendix B. */
const olderSchemes: Readonly<Record<string, { cipher: string; keyBytes: number }>> = {
  '1.2.840.113549.1.12.1.3': { cipher: 'des-ede3-cbc', keyBytes: 24 },
  '1.2.840.113549.1.12.1.4': { cipher: 'des-ede3-cbc', keyBytes: 16 },
  '1.2.840.113549.1.12.1.5': { cipher: 'rc2', keyBytes: 16 },
  '1.2.840.113549.1.12.1.6': { cipher: 'rc2', keyBytes: 5 },
};

const ciphers: Readonly<Record<string, { cipher: string; keyBytes: number }>> = {
  '2.16.840.1.101.3.4.1.2': { cipher: 'aes-128-cbc', keyBytes: 16 },
  '2.16.840.1.101.3.4.1.22': { cipher: 'aes-192-cbc', keyBytes: 24 },
  '2.16.840.1.101.3.4.1.42': { cipher: 'aes-256-cbc', keyBytes: 32 },
  '1.2.840.113549.3.7': { cipher: 'des-ede3-cbc', keyBytes: 24 },
};

/** Hashes, as digests and as HMACs. */
const hashes: Readonly<Record<string, string>> = {
  '1.3.14.3.2.26': 'sha1',
  '2.16.840.1.101.3.4.2.4': 'sha224',
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
  '1.2.840.113549.2.7': 'sha1',
  '1.2.840.113549.2.8': 'sha224',
  '1.2.840.113549.2.9': 'sha256',
  '1.2.840.113549.2.10': 'sha384',
  '1.2.840.113549.2.11': 'sha512',
};

/** More would take minutes; the tools use 1,024 to 600,000. */
const maxIterations = 20_000_000;

/** What the bags hold, in their order. */
interface Bags {
  readonly keys: { readonly key: Buffer; readonly id: string; readonly alias: string }[];
  readonly certificates: { readonly der: Buffer; readonly id: string }[];
}

/** @throws FormatError, WrongPasswordError */
export function readPkcs12(bytes: Buffer, password: string): KeyStore {
  const pfx = new DerReader(bytes).enter('PKCS #12 file', derTags.sequence);
  const version = pfx.integer('version');
  if (version !== 3) throw new FormatError(`PKCS #12 of version ${version}`, 0);
  const content = pfx.enter('content', derTags.sequence);
  const kind = content.objectIdentifier('kind of content');
  if (kind !== oids.data) throw new FormatError('a signed PKCS #12 file', 0);
  const safe = content.enter('content', derTags.explicit0).octets('content');
  if (!pfx.isAtEnd) checkMac(pfx.enter('MAC', derTags.sequence), safe, password);
  const bags: Bags = { keys: [], certificates: [] };
  const parts = new DerReader(safe).enter('content', derTags.sequence);
  while (!parts.isAtEnd) readPart(parts.enter('part', derTags.sequence), password, bags);
  return assembled(bags);
}

/** A key's certificate has its id; those of its issuers are found by who has issued what. */
function assembled({ keys, certificates }: Bags): KeyStore {
  const others = certificates.filter(({ id }) => !keys.some((key) => key.id === id));
  const issuers = others.map(({ der }) => new X509Certificate(der));
  return {
    keys: keys.map(({ key, id, alias }) => {
      const own = certificates.find((certificate) => certificate.id === id);
      return { alias, key, chain: own ? chainOf(own.der, issuers) : [] };
    }),
    trusted: others.map(({ der }) => der),
  };
}

function chainOf(own: Buffer, issuers: readonly X509Certificate[]): Buffer[] {
  const chain = [new X509Certificate(own)];
  for (let last = chain[0]; last; ) {
    const next = issuers.find((each) => last?.checkIssued(each) && !chain.includes(each));
    if (next) chain.push(next);
    last = next;
  }
  return chain.map(({ raw }) => raw);
}

function readPart(part: DerReader, password: string, bags: Bags): void {
  const kind = part.objectIdentifier('kind of part');
  const content = part.enter('part', derTags.explicit0);
  if (kind === oids.data) {
    readBags(content.octets('part'), password, bags);
    return;
  }
  if (kind !== oids.encryptedData) throw new FormatError(`a part of kind ${kind}`, 0);
  const encrypted = content.enter('encrypted part', derTags.sequence);
  encrypted.integer('version');
  const info = encrypted.enter('encrypted part', derTags.sequence);
  info.objectIdentifier('kind of encrypted part');
  const algorithm = info.enter('algorithm', derTags.sequence);
  const sealed = info.next('encrypted part', derTags.implicit0).content;
  readBags(decrypt(algorithm, sealed, password), password, bags);
}

function readBags(bytes: Buffer, password: string, bags: Bags): void {
  const contents = new DerReader(bytes).enter('bags', derTags.sequence);
  while (!contents.isAtEnd) {
    const bag = contents.enter('bag', derTags.sequence);
    const kind = bag.objectIdentifier('kind of bag');
    const value = bag.enter('bag', derTags.explicit0);
    const { id, alias } = readAttributes(bag);
    if (kind === oids.keyBag) {
      bags.keys.push({ key: value.next('key', derTags.sequence).whole, id, alias });
    } else if (kind === oids.sealedKeyBag) {
      const key = openKey(value.next('key', derTags.sequence).whole, password);
      bags.keys.push({ key, id, alias });
    } else if (kind === oids.certificateBag) {
      const certificate = value.enter('certificate', derTags.sequence);
      certificate.objectIdentifier('kind of certificate');
      const der = certificate.enter('certificate', derTags.explicit0).octets('certificate');
      bags.certificates.push({ der, id });
    }
  }
}

function readAttributes(bag: DerReader): { id: string; alias: string } {
  let id = '';
  let alias = '';
  if (bag.isAtEnd) return { id, alias };
  const attributes = bag.enter('attributes', derTags.set);
  while (!attributes.isAtEnd) {
    const attribute = attributes.enter('attribute', derTags.sequence);
    const kind = attribute.objectIdentifier('attribute');
    const { content } = attribute.enter('attribute', derTags.set).next('attribute');
    if (kind === oids.localKeyId) id = content.toString('hex');
    if (kind === oids.friendlyName) alias = Buffer.from(content).swap16().toString('utf16le');
  }
  return { id, alias };
}

/** Node opens all that is in use, and says only that it could not. */
function openKey(info: Buffer, password: string): Buffer {
  try {
    const options = { key: info, format: 'der', type: 'pkcs8', passphrase: password } as const;
    return createPrivateKey(options).export({ format: 'der', type: 'pkcs8' });
  } catch {
    throw new WrongPasswordError();
  }
}

/** `{ { { hash }, digest }, salt, iterations }`; another kind of MAC is not checked. */
function checkMac(mac: DerReader, safe: Buffer, password: string): void {
  const info = mac.enter('MAC', derTags.sequence);
  const hash = hashes[info.enter('hash', derTags.sequence).objectIdentifier('hash')];
  if (!hash) return;
  const digest = info.octets('digest');
  const salt = mac.octets('salt');
  const iterations = mac.isAtEnd ? 1 : mac.integer('iterations');
  const key = derive({ hash, password, salt, iterations, purpose: 3, bytes: digest.length });
  const expected = createHmac(hash, key).update(safe).digest();
  if (expected.length !== digest.length || !timingSafeEqual(expected, digest)) {
    throw new WrongPasswordError();
  }
}

function decrypt(algorithm: DerReader, sealed: Buffer, password: string): Buffer {
  const kind = algorithm.objectIdentifier('encryption');
  const parameters = algorithm.enter('parameters of the encryption', derTags.sequence);
  if (kind === oids.pbes2) return decryptPbes2(parameters, sealed, password);
  const scheme = olderSchemes[kind];
  if (!scheme) throw new FormatError(`encryption ${kind}`, 0);
  const salt = parameters.octets('salt');
  const iterations = parameters.integer('iterations');
  const from = { hash: 'sha1', password, salt, iterations };
  const key = derive({ ...from, purpose: 1, bytes: scheme.keyBytes });
  const initial = derive({ ...from, purpose: 2, bytes: 8 });
  if (scheme.cipher === 'rc2') return withoutPadding(decryptRc2Cbc(key, initial, sealed));
  // Triple DES with two keys uses the first one twice.
  const whole = key.length === 16 ? Buffer.concat([key, key.subarray(0, 8)]) : key;
  return decipher(scheme.cipher, whole, initial, sealed);
}

/** RFC 8018: `{ { PBKDF2, { salt, iterations, [length], [hash] } }, { cipher, initial } }`. */
function decryptPbes2(parameters: DerReader, sealed: Buffer, password: string): Buffer {
  const derivation = parameters.enter('derivation', derTags.sequence);
  const kind = derivation.objectIdentifier('derivation');
  if (kind !== oids.pbkdf2) throw new FormatError(`key derivation ${kind}`, 0);
  const settings = derivation.enter('derivation', derTags.sequence);
  const salt = settings.octets('salt');
  const iterations = bounded(settings.integer('iterations'));
  if (settings.nextTag === derTags.integer) settings.integer('length of the key');
  const prf = settings.isAtEnd
    ? 'sha1'
    : hashes[settings.enter('hash', derTags.sequence).objectIdentifier('hash')];
  if (!prf) throw new FormatError('an unknown hash', 0);
  const encryption = parameters.enter('cipher', derTags.sequence);
  const name = encryption.objectIdentifier('cipher');
  const scheme = ciphers[name];
  if (!scheme) throw new FormatError(`cipher ${name}`, 0);
  const initial = encryption.octets('initial vector');
  const key = pbkdf2Sync(password, salt, iterations, scheme.keyBytes, prf);
  return decipher(scheme.cipher, key, initial, sealed);
}

function decipher(cipher: string, key: Buffer, initial: Buffer, sealed: Buffer): Buffer {
  try {
    const opener = createDecipheriv(cipher, key, initial);
    return Buffer.concat([opener.update(sealed), opener.final()]);
  } catch {
    throw new WrongPasswordError();
  }
}

function withoutPadding(plain: Buffer): Buffer {
  const count = plain.at(-1) ?? 0;
  if (count === 0 || count > 8) throw new WrongPasswordError();
  return plain.subarray(0, -count);
}

function bounded(iterations: number): number {
  if (iterations < 1 || iterations > maxIterations) {
    throw new FormatError(`${iterations} iterations of a hash`, 0);
  }
  return iterations;
}

interface Derivation {
  readonly hash: string;
  readonly password: string;
  readonly salt: Buffer;
  readonly iterations: number;
  /** 1 a key, 2 an initial vector, 3 a MAC. */
  readonly purpose: 1 | 2 | 3;
  readonly bytes: number;
}

/** RFC 7292, appendix B.2, with its names in the comments. */
function derive({ hash, password, salt, iterations, purpose, bytes }: Derivation): Buffer {
  const block = hash === 'sha384' || hash === 'sha512' ? 128 : 64; // v
  const secret = Buffer.from(`${password}\0`, 'utf16le').swap16();
  const input = Buffer.concat([filled(salt, block), filled(secret, block)]); // I = S || P
  const diversifier = Buffer.alloc(block, purpose); // D
  const made: Buffer[] = [];
  for (let length = 0; length < bytes; ) {
    let digest = createHash(hash).update(diversifier).update(input).digest(); // A
    for (let round = 1; round < bounded(iterations); round++) {
      digest = createHash(hash).update(digest).digest();
    }
    made.push(digest);
    length += digest.length;
    const added = filled(digest, block).subarray(0, block); // B
    for (let at = 0; at < input.length; at += block) addOne(input, at, added);
  }
  return Buffer.concat(made).subarray(0, bytes);
}

/** Repeated to a multiple of the block. */
function filled(bytes: Buffer, block: number): Buffer {
  if (bytes.length === 0) return bytes;
  return Buffer.alloc(Math.ceil(bytes.length / block) * block, bytes);
}

/** I_j = I_j + B + 1, as one large number. */
function addOne(input: Buffer, at: number, added: Buffer): void {
  let carry = 1;
  for (let index = added.length - 1; index >= 0; index--) {
    const sum = (input[at + index] as number) + (added[index] as number) + carry;
    input[at + index] = sum & 255;
    carry = sum >> 8;
  }
}
