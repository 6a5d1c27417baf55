import type { FieldProblem } from '../../config/definition.ts';
import { type ConfigOf, map, optionalText } from '../../config/field.ts';
import { type EncryptionOptions, maxAliasBytes } from './cipher.ts';

/** What a key is called that is named by its file alone. */
const onlyAlias = 'key';
const fileSuffix = '.file';
const flumeCipher = 'AESCTRNOPADDING';

/**
 * The options of the encryption of the log: raw key files; of Flume's, what can be said of them.
 */
export const encryptionFields = {
  encryptionKeyFile: optionalText({
    key: 'encryption.keyFile',
    doc: 'A file with the key: 32 bytes as they are, as 64 hexadecimal digits, or in base64.',
    extra: true,
  }),
  encryptionActiveKey: optionalText({
    key: 'encryption.activeKey',
    doc: 'The name of the key for what is written; `encryption.keyFile` has it without one, too.',
  }),
  encryptionKeys: map({
    key: 'encryption.keys.',
    doc: '`<name>.file`: the file of each key that what is there was, or is to be, encrypted with.',
    extra: true,
  }),
  encryptionCipherProvider: optionalText({
    key: 'encryption.cipherProvider',
    doc: 'How it is encrypted: always with AES-256-GCM.',
  }),
  encryptionKeyProvider: optionalText({
    key: 'encryption.keyProvider',
    doc: 'JCEKSFILE: the key is in a Java key store, which is not read yet.',
  }),
  encryptionKeyStore: map({
    key: 'encryption.keyProvider.',
    doc: 'Where that key store is, and how it is opened.',
  }),
};

type Config = ConfigOf<typeof encryptionFields>;

/** The keys and which one is used; `undefined`: there is nothing to encrypt or decrypt. */
export function encryptionOf(config: Config): EncryptionOptions | undefined {
  const { encryptionKeyFile: keyFile, encryptionActiveKey: activeKey } = config;
  const files = new Map<string, string>();
  for (const [key, file] of config.encryptionKeys)
    files.set(key.slice(0, -fileSuffix.length), file);
  const active = activeKey ?? (keyFile && onlyAlias);
  if (active !== undefined && keyFile !== undefined) files.set(active, keyFile);
  return files.size > 0 ? { active, files } : undefined;
}

export function encryptionProblems(config: Config): FieldProblem[] {
  const problems: FieldProblem[] = [];
  const add = (key: string, problem: string) => problems.push({ key, problem });
  const keyFile = config.encryptionKeyFile;
  const active = config.encryptionActiveKey;
  const cipher = config.encryptionCipherProvider;
  const provider = config.encryptionKeyProvider;
  if (provider !== undefined || config.encryptionKeyStore.size > 0) {
    add(
      'encryption.keyProvider',
      `${provider ?? 'this'}: Java key stores are not read yet. Export the key, or make a new ` +
        'one, as a file of 32 bytes (openssl rand -out key 32), name it with ' +
        'encryption.keyFile, and remove the options of the key provider',
    );
  } else if (active !== undefined && keyFile === undefined) {
    if (!config.encryptionKeys.has(active + fileSuffix)) {
      add('encryption.activeKey', `name the file of this key: encryption.keys.${active}.file`);
    }
  }
  for (const key of config.encryptionKeys.keys()) {
    if (key.endsWith(fileSuffix) && key.length > fileSuffix.length) continue;
    add(`encryption.keys.${key}`, 'expected encryption.keys.<name>.file');
  }
  const alias = active ?? onlyAlias;
  if (keyFile !== undefined && config.encryptionKeys.has(alias + fileSuffix)) {
    add('encryption.keyFile', `encryption.keys.${alias}.file names the file of this key, too`);
  }
  if (Buffer.byteLength(alias) > maxAliasBytes) {
    add('encryption.activeKey', `expected at most ${maxAliasBytes} bytes`);
  }
  if (cipher !== undefined && cipher.toUpperCase() !== flumeCipher) {
    add('encryption.cipherProvider', `expected ${flumeCipher}, for which AES-256-GCM is used`);
  } else if (cipher !== undefined) {
    const problem = 'AES-256-GCM is used, which also shows what was changed';
    problems.push({ key: 'encryption.cipherProvider', problem, severity: 'warning' });
  }
  return problems;
}
