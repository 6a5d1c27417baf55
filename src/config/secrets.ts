/*
 * What must not be shown, whatever component it belongs to: told by the names of keys, and by the
 * forms in which passwords stand within other values.
 */

const secretKey = /pass(word|wd|phrase)?$|secret|token|credential|private-?key|access-?key/i;
/** They say where a secret is, not what it is. */
const notSecret = /(file|path|dir|alias|type|provider|header|algorithm|location)$/i;

export function isSecretKey(key: string): boolean {
  return secretKey.test(key) && !notSecret.test(key);
}

/** `user:password@` in an address, `password="…"` and the like within a value. */
const within = [
  /(\w+:\/\/[^/\s:@]*:)([^@\s/${}]+)(?=@)/g,
  /((?:password|passwd|secret)\s*=\s*)("[^"$]+"|'[^'$]+'|[^\s"'$;&]+)/gi,
];

/** Does a value have a password in it that is no reference to one? */
export function hasSecret(key: string, rawValue: string): boolean {
  if (rawValue.trim() === '') return false;
  if (isSecretKey(key)) return !rawValue.includes('${');
  return within.some((form) => rawValue.search(form) >= 0);
}

/** Lines that are shown: secrets are `***`. */
export function withoutSecrets(line: string): string {
  const [, key = '', value = ''] = /^([^=:\s]*\s*[=:\s])(.*)$/s.exec(line) ?? [undefined, '', line];
  if (isSecretKey(key.replace(/[=:\s]+$/, '')) && value.trim() !== '') return `${key} ***`;
  return key + within.reduce((text, form) => text.replaceAll(form, '$1***'), value);
}
