import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { encryptionFields, encryptionOf, encryptionProblems } from './encryption-fields.ts';

type Config = Parameters<typeof encryptionOf>[0];

const none: Config = {
  encryptionKeyFile: undefined,
  encryptionActiveKey: undefined,
  encryptionKeys: new Map(),
  encryptionCipherProvider: undefined,
  encryptionKeyProvider: undefined,
  encryptionKeyStore: new Map(),
};

function problems(config: Partial<Config>): string[] {
  return encryptionProblems({ ...none, ...config }).map(({ key }) => key);
}

test('one key needs nothing but its file, and a name only to be changed later', () => {
  assert.equal(encryptionOf(none), undefined);
  const keyFile = { ...none, encryptionKeyFile: '/k' };
  assert.deepEqual(encryptionOf(keyFile), { active: 'key', files: new Map([['key', '/k']]) });
  const encryptionKeys = new Map([['old.file', '/old']]);
  assert.deepEqual(encryptionOf({ ...keyFile, encryptionActiveKey: 'new', encryptionKeys }), {
    active: 'new',
    files: new Map([
      ['old', '/old'],
      ['new', '/k'],
    ]),
  });
});

test("Flume's cipher is accepted, and said to be another one here", () => {
  const config = { ...none, encryptionCipherProvider: 'AESCTRNOPADDING' };
  assert.deepEqual(
    encryptionProblems(config).map(({ severity }) => severity),
    ['warning'],
  );
  const other = { ...none, encryptionCipherProvider: 'com.example.Cipher' };
  assert.equal(encryptionProblems(other)[0]?.severity, undefined);
});

test('a Java key store is refused with the way on', () => {
  const [problem] = encryptionProblems({ ...none, encryptionKeyProvider: 'JCEKSFILE' });
  assert.equal(problem?.key, encryptionFields.encryptionKeyProvider.key);
  assert.match(problem?.problem ?? '', /Java key stores are not read yet.*encryption\.keyFile/);
});

test('a name without a file, two files for one name, and what is neither are problems', () => {
  assert.deepEqual(problems({ encryptionActiveKey: 'a' }), ['encryption.activeKey']);
  const keys = new Map([['key.file', '/k']]);
  assert.deepEqual(problems({ encryptionKeyFile: '/k', encryptionKeys: keys }), [
    'encryption.keyFile',
  ]);
  assert.deepEqual(problems({ encryptionKeys: new Map([['a', '/k']]) }), ['encryption.keys.a']);
  assert.deepEqual(problems({ encryptionActiveKey: 'key', encryptionKeys: keys }), []);
});
