import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createPrivateKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { Prng, seedFromEnvironment } from '../testing/prng.ts';
import {
  certificatePem,
  javaKeyStore,
  javaTrustStore,
  jceksKeyStore,
  keyPem,
  oldPkcs12KeyStore,
  pkcs12KeyStore,
  pkcs12TrustStore,
  sealedKeyPem,
} from './fake-key-stores.ts';
import { readIdentity, readPemIdentity, readTrust } from './key-store.ts';

const folder = mkdtempSync(join(tmpdir(), 'millrace-keys-'));
after(() => rmSync(folder, { recursive: true, force: true }));

let count = 0;

function file(content: Buffer | string): string {
  const path = join(folder, `file-${count++}`);
  writeFileSync(path, content);
  return path;
}

const kinds: Readonly<Record<string, Buffer>> = {
  JKS: javaKeyStore,
  'PKCS #12 of today': pkcs12KeyStore,
  'PKCS #12 with RC2': oldPkcs12KeyStore,
};

describe('a key store', () => {
  for (const [kind, bytes] of Object.entries(kinds)) {
    test(`in ${kind} gives its key and certificate`, async () => {
      const identity = await readIdentity(file(bytes), 'changeit');
      const key = createPrivateKey(identity.key);
      assert(new X509Certificate(identity.cert).checkPrivateKey(key));
      assert.equal(new X509Certificate(identity.cert).subject, 'CN=localhost');
    });

    test(`in ${kind} says when the password is wrong`, async () => {
      const path = file(bytes);
      const message = `keystore-password: it does not open ${path}`;
      await assert.rejects(readIdentity(path, 'other'), { message });
      await assert.rejects(readIdentity(path), { message });
    });
  }

  test('in PEM is key and certificates in one file', async () => {
    const identity = await readIdentity(file(`${keyPem}${certificatePem}`));
    assert.equal(identity.key, keyPem);
  });

  test('that is a trust store has no key', async () => {
    for (const bytes of [javaTrustStore, pkcs12TrustStore]) {
      const path = file(bytes);
      const message = `keystore: ${path}: it holds no private key: it is a trust store`;
      await assert.rejects(readIdentity(path, 'changeit'), { message });
    }
  });

  test('in JCEKS is refused by name, with the way out', async () => {
    await assert.rejects(readIdentity(file(jceksKeyStore), 'changeit'), /JCEKS.*keytool/);
  });

  test('that is not there, or no key store at all, is said with its path', async () => {
    const missing = join(folder, 'missing');
    const message = `keystore: ${missing}: there is no such file`;
    await assert.rejects(readIdentity(missing, 'x'), { message });
    await assert.rejects(readIdentity(folder, 'x'), /keystore: .*: it is a directory/);
    for (const content of ['', 'nonsense', Buffer.alloc(3)]) {
      await assert.rejects(readIdentity(file(content), 'x'), /neither JKS nor PKCS12 nor PEM/);
    }
  });
});

describe('PEM files', () => {
  const read = (certificate: string, key: string, password?: string) =>
    readPemIdentity(file(certificate), file(key), password);

  test('give the key and the whole chain', async () => {
    const { cert, key } = await read(`${certificatePem}${certificatePem}`, keyPem);
    assert.equal(cert.match(/BEGIN CERTIFICATE/g)?.length, 2);
    assert.equal(key, keyPem);
  });

  test('may have an encrypted key', async () => {
    assert.equal((await read(certificatePem, sealedKeyPem, 'changeit')).key, keyPem);
    await assert.rejects(
      read(certificatePem, sealedKeyPem, 'other'),
      /private-key-password: it does not open the key in/,
    );
    await assert.rejects(
      read(certificatePem, sealedKeyPem),
      /private-key-password: the key in .* is encrypted, and this is missing/,
    );
  });

  test('that lack what they should have say so', async () => {
    await assert.rejects(read(keyPem, keyPem), /certificate: .*: there is no certificate in it/);
    await assert.rejects(read(certificatePem, certificatePem), /private-key: .*no private key/);
    const broken = certificatePem.replace('MII', 'AAA');
    await assert.rejects(read(broken, keyPem), /certificate: .*cannot be read/);
    const other = keyPem.replace(/\n.{8}/, '\nAAAAAAAA');
    await assert.rejects(read(certificatePem, other), /private-key: .*cannot be read/);
  });

  test('whose key is not that of the certificate are refused', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const other = `${privateKey.export({ format: 'pem', type: 'pkcs8' })}`;
    await assert.rejects(read(certificatePem, other), /not that of the private key/);
  });
});

describe('a trust store', () => {
  test('gives its certificates, in any format', async () => {
    for (const bytes of [javaTrustStore, pkcs12TrustStore, certificatePem]) {
      const [trusted, ...others] = await readTrust(file(bytes), 'changeit');
      assert.equal(others.length, 0);
      assert.equal(new X509Certificate(trusted ?? '').subject, 'CN=localhost');
    }
  });

  test('without any certificate is refused', async () => {
    await assert.rejects(readTrust(file(javaKeyStore), 'changeit'), /no certificate .* trusted/);
  });

  test('says when the password is wrong', async () => {
    const path = file(pkcs12TrustStore);
    const message = `truststore-password: it does not open ${path}`;
    await assert.rejects(readTrust(path, 'other'), { message });
  });
});

const seed = seedFromEnvironment();
test(`a damaged store is an error that names the file (seed ${seed})`, async () => {
  const random = new Prng(seed);
  const path = file('');
  for (const bytes of [...Object.values(kinds), pkcs12TrustStore]) {
    for (let round = 0; round < 40; round++) {
      const damaged = Buffer.from(bytes).subarray(0, bytes.length - random.integer(2) * 7);
      const at = random.integer(damaged.length);
      damaged[at] = (damaged[at] as number) ^ (1 << random.integer(8));
      writeFileSync(path, damaged);
      const result = await readIdentity(path, 'changeit').catch((error: unknown) => error);
      if (!(result instanceof Error)) continue;
      assert.match(result.message, /^keystore(-password)?: /);
      assert(result.message.includes(path));
    }
  }
});

const noKeytool = spawnSync('keytool', ['-help']).error ? 'needs keytool, of a JDK' : false;
describe('what keytool makes here', { skip: noKeytool }, () => {
  const keytool = (args: readonly string[]) => {
    const { status, stdout, stderr } = spawnSync('keytool', args, { encoding: 'utf8' });
    assert.equal(status, 0, `${stdout}${stderr}`);
  };
  const generate = (path: string, type: string, alias: string, password: string) => {
    const of = ['-genkeypair', '-alias', alias, '-dname', `CN=${alias}`, '-keyalg', 'RSA'];
    const into = ['-keystore', path, '-storetype', type, '-storepass', password];
    keytool([...of, ...into, '-keypass', password, '-validity', '10']);
  };

  for (const type of ['JKS', 'PKCS12']) {
    test(`${type}: the first of several keys, any password that it takes`, async () => {
      const path = join(folder, `made.${type}`);
      // In its PKCS #12 stores keytool takes ASCII only.
      const password = type === 'JKS' ? 'pass wörd €' : 'pass word ~';
      generate(path, type, 'first', password);
      generate(path, type, 'second', password);
      const { cert, key } = await readIdentity(path, password);
      const subject = new X509Certificate(cert).subject;
      assert(['CN=first', 'CN=second'].includes(subject));
      assert(new X509Certificate(cert).checkPrivateKey(createPrivateKey(key)));
    });
  }
});
