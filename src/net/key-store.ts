import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { ConfigError } from '../core/errors.ts';
import { jceksMagic, jksMagic, type KeyStore, readJks, WrongPasswordError } from './jks.ts';
import { readPkcs12 } from './pkcs12.ts';

/** A private key and its certificates, as Node's TLS takes them. */
export interface Identity {
  /** PEM, in clear. */
  readonly key: string;
  /** PEM: the key's certificate first, then its issuers. */
  readonly cert: string;
}

/** No file of keys or certificates is larger. */
const maxFileBytes = 16 << 20;
const pemCertificate = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/**
 * Reads the first private key of a key store, and its certificates. What kind of store it is, its
 * content says: Java itself takes either kind under either name.
 *
 * @throws ConfigError, which names the key of the configuration and the file
 */
export async function readIdentity(path: string, password = ''): Promise<Identity> {
  const file = await OpenFile.read('keystore', path);
  if (file.isPem) return identityOf(file, file, 'keystore-password', password);
  const store = openStore(file, 'keystore-password', password);
  const [first] = store.keys;
  if (!first) throw file.problem('it holds no private key: it is a trust store');
  if (first.chain.length === 0) throw file.problem(`its key ${first.alias} has no certificate`);
  try {
    const key = createPrivateKey({ key: first.key, format: 'der', type: 'pkcs8' });
    return checked(file, key, first.chain.map(pemOf));
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw file.problem(`its key ${first.alias} cannot be used`, error);
  }
}

/** Reads a private key and its certificates from PEM files, which may be one and the same. */
export async function readPemIdentity(
  certificate: string,
  privateKey: string,
  password: string | undefined,
): Promise<Identity> {
  const certificates = await OpenFile.read('certificate', certificate);
  const key = await OpenFile.read('private-key', privateKey);
  return identityOf(certificates, key, 'private-key-password', password);
}

/** Reads the certificates of a trust store, PEM each. */
export async function readTrust(path: string, password = ''): Promise<string[]> {
  const file = await OpenFile.read('truststore', path);
  if (file.isPem) return file.certificates();
  const store = openStore(file, 'truststore-password', password);
  const trusted = store.trusted.map(pemOf);
  if (trusted.length === 0) throw file.problem('it holds no certificate that is trusted');
  return trusted;
}

function identityOf(
  certificates: OpenFile,
  keyFile: OpenFile,
  passwordKey: string,
  password: string | undefined,
): Identity {
  const chain = certificates.certificates();
  if (!/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(keyFile.text)) {
    throw keyFile.problem('there is no private key in it');
  }
  return checked(certificates, pemKey(keyFile, passwordKey, password), chain);
}

function pemKey(file: OpenFile, passwordKey: string, password: string | undefined): KeyObject {
  try {
    return createPrivateKey({ key: file.text, ...(password && { passphrase: password }) });
  } catch (error) {
    const isSealed = /ENCRYPTED/.test(file.text);
    if (!isSealed) throw file.problem('its private key cannot be read', error);
    if (password) throw new ConfigError(passwordKey, `it does not open the key in ${file.path}`);
    throw new ConfigError(passwordKey, `the key in ${file.path} is encrypted, and this is missing`);
  }
}

/** A key that is not the certificate's would fail each handshake, and say nothing here. */
function checked(file: OpenFile, key: KeyObject, chain: readonly string[]): Identity {
  const [own] = chain;
  if (own === undefined) throw file.problem('there is no certificate in it');
  if (!certificateIn(file, own).checkPrivateKey(key)) {
    throw file.problem('the first certificate in it is not that of the private key');
  }
  return { key: `${key.export({ format: 'pem', type: 'pkcs8' })}`, cert: chain.join('\n') };
}

function certificateIn(file: OpenFile, pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (error) {
    throw file.problem('a certificate in it cannot be read', error);
  }
}

function openStore(file: OpenFile, passwordKey: string, password: string): KeyStore {
  const magic = file.bytes.length < 4 ? 0 : file.bytes.readUInt32BE();
  if (magic === jceksMagic) {
    const way = `keytool -importkeystore -srckeystore ${file.path} -srcstoretype JCEKS ...`;
    throw file.problem(`a JCEKS store cannot be read; make a PKCS12 one: ${way}`);
  }
  try {
    if (magic === jksMagic) return readJks(file.bytes, password);
    if (file.bytes[0] === 0x30) return readPkcs12(file.bytes, password);
  } catch (error) {
    if (error instanceof WrongPasswordError) {
      throw new ConfigError(passwordKey, `it does not open ${file.path}`);
    }
    throw file.problem(
      `it is damaged, or of a kind that cannot be read (${messageOf(error)})`,
      error,
    );
  }
  throw file.problem('it is no key store: neither JKS nor PKCS12 nor PEM');
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function pemOf(der: Buffer): string {
  const lines = der.toString('base64').replaceAll(/.{64}(?=.)/g, '$&\n');
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----`;
}

/** A file that an option names, for its content and for its errors. */
class OpenFile {
  readonly key: string;
  readonly path: string;
  readonly bytes: Buffer;

  private constructor(key: string, path: string, bytes: Buffer) {
    this.key = key;
    this.path = path;
    this.bytes = bytes;
  }

  static async read(key: string, path: string): Promise<OpenFile> {
    try {
      const { size } = await stat(path);
      if (size > maxFileBytes) throw new Error(`it has ${size} bytes: that is no file of keys`);
      return new OpenFile(key, path, await readFile(path));
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      const reasons: Readonly<Record<string, string>> = {
        ENOENT: 'there is no such file',
        EACCES: 'it may not be read by this user',
        EISDIR: 'it is a directory',
      };
      const why = reasons[String(code)] ?? messageOf(error);
      throw new ConfigError(key, `${path}: ${why}`);
    }
  }

  get text(): string {
    return this.bytes.toString('latin1');
  }

  get isPem(): boolean {
    return this.text.includes('-----BEGIN ');
  }

  /** Those of a PEM file, in their order. */
  certificates(): string[] {
    const found = this.text.match(pemCertificate) ?? [];
    if (found.length === 0) throw this.problem('there is no certificate in it');
    for (const pem of found) certificateIn(this, pem);
    return found;
  }

  problem(what: string, cause?: unknown): ConfigError {
    const error = new ConfigError(this.key, `${this.path}: ${what}`);
    if (cause !== undefined) error.cause = cause;
    return error;
  }
}
