import { constants } from 'node:crypto';
import { DEFAULT_CIPHERS, getCiphers, type TlsOptions } from 'node:tls';
import type { FieldProblem } from '../config/definition.ts';

/** Which of something are let in: those included, or all, without those excluded. */
export interface Filter {
  readonly included: readonly string[];
  readonly excluded: readonly string[];
}

interface Chosen<T> {
  readonly chosen: readonly T[];
  readonly problems: readonly FieldProblem[];
}

/** Java's names, oldest first. */
const protocols = [
  { name: 'TLSv1', byDefault: false, off: constants.SSL_OP_NO_TLSv1 },
  { name: 'TLSv1.1', byDefault: false, off: constants.SSL_OP_NO_TLSv1_1 },
  { name: 'TLSv1.2', byDefault: true, off: constants.SSL_OP_NO_TLSv1_2 },
  { name: 'TLSv1.3', byDefault: true, off: constants.SSL_OP_NO_TLSv1_3 },
] as const;

/** Java knows these too; no server of today speaks them. */
const goneProtocols = ['SSLv2Hello', 'SSLv3'];

type Protocol = (typeof protocols)[number];

/** The versions and cipher suites that are let in, as Node takes them. */
export function chooseTls(
  versions: Filter,
  suites: Filter,
): { readonly options: TlsOptions; readonly problems: readonly FieldProblem[] } {
  const { chosen: ciphers, problems: ofCiphers } = chooseCiphers(suites);
  const { chosen: wanted, problems: ofVersions } = chooseProtocols(versions);
  const problems = [...ofVersions, ...ofCiphers];
  // A version without a suite can't be spoken: those of TLS 1.3 serve no other, and none else it.
  const left = wanted.filter(({ name }) => {
    return ciphers.some((cipher) => isOfTls13(cipher) === (name === 'TLSv1.3'));
  });
  const [oldest] = left;
  const newest = left.at(-1);
  if (!oldest || !newest) {
    if (wanted.length > 0 && ciphers.length > 0) {
      const problem = 'no cipher suite is left for the versions of TLS that are';
      problems.push({ key: 'include-cipher-suites', problem });
    }
    return { options: {}, problems };
  }
  const off = protocols.reduce((sum, each) => (left.includes(each) ? sum : sum | each.off), 0);
  // What TLS before 1.2 signs with, OpenSSL takes at its lowest level only.
  const isOld = oldest.name === 'TLSv1' || oldest.name === 'TLSv1.1';
  const options = {
    minVersion: oldest.name,
    maxVersion: newest.name,
    secureOptions: off,
    ciphers: [...ciphers, ...(isOld ? ['@SECLEVEL=0'] : [])].join(':'),
  };
  return { options, problems };
}

function chooseProtocols({ included, excluded }: Filter): Chosen<Protocol> {
  const problems = [
    ...unknownProtocols('include-protocols', included),
    ...unknownProtocols('exclude-protocols', excluded),
  ];
  const wanted = (each: Protocol) =>
    included.length > 0 ? included.includes(each.name) : each.byDefault;
  const chosen = protocols.filter((each) => wanted(each) && !excluded.includes(each.name));
  if (chosen.length === 0) {
    const problem = 'no version of TLS is left that could be spoken';
    const key = included.length > 0 ? 'include-protocols' : 'exclude-protocols';
    problems.push({ key, problem });
  }
  return { chosen, problems };
}

function unknownProtocols(key: string, names: readonly string[]): FieldProblem[] {
  const known: readonly string[] = [...protocols.map(({ name }) => name), ...goneProtocols];
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length === 0) return [];
  const problem = `${unknown.join(', ')}: no such version; there are TLSv1 to TLSv1.3`;
  return [{ key, problem, severity: 'warning' }];
}

/** Those of TLS 1.3, in the order of preference. */
const tls13Ciphers = [
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'TLS_AES_128_GCM_SHA256',
];

/** OpenSSL's names and rules: a rule such as `!NAME` stands after what it takes from. */
function chooseCiphers({ included, excluded }: Filter): Chosen<string> {
  const problems = [
    ...unknownCiphers('include-cipher-suites', included),
    ...unknownCiphers('exclude-cipher-suites', excluded),
  ];
  const out = excluded.flatMap((name) => opensslName(name) ?? []);
  const ofDefault = DEFAULT_CIPHERS.split(':').filter((each) => !isOfTls13(each));
  const base =
    included.length > 0
      ? included.flatMap((name) => opensslName(name) ?? [])
      : [...tls13Ciphers, ...ofDefault];
  const left = base.filter((name) => !out.includes(name));
  if (left.length === 0) {
    const key = included.length > 0 ? 'include-cipher-suites' : 'exclude-cipher-suites';
    problems.push({ key, problem: 'no cipher suite is left that could be used' });
  }
  // A group of the default, such as HIGH, may still hold one that is excluded.
  const not = included.length > 0 ? [] : out.filter((name) => !isOfTls13(name));
  return { chosen: [...left, ...not.map((name) => `!${name}`)], problems };
}

function isOfTls13(cipher: string): boolean {
  return cipher.startsWith('TLS_');
}

function unknownCiphers(key: string, names: readonly string[]): FieldProblem[] {
  const unknown = names.filter((name) => opensslName(name) === undefined);
  if (unknown.length === 0) return [];
  const problem = `${unknown.join(', ')}: not known here, and without effect`;
  return [{ key, problem, severity: 'warning' }];
}

let available: ReadonlySet<string> | undefined;

/** The name that OpenSSL has for a cipher suite that Java or OpenSSL names; none: not there. */
function opensslName(name: string): string | undefined {
  available ??= new Set(getCiphers().map((each) => each.toUpperCase()));
  const upper = name.toUpperCase();
  if (tls13Ciphers.includes(upper) || available.has(upper)) return upper;
  const translated = translate(upper);
  return translated !== undefined && available.has(translated) ? translated : undefined;
}

/**
 * TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 is ECDHE-RSA-AES128-GCM-SHA256: OpenSSL leaves out what was
 * usual once (RSA key exchange, CBC) and the hash of ChaCha20. Source: RFC 5246, its names in
 * `openssl-ciphers`(1).
 */
function translate(name: string): string | undefined {
  const parts = /^(?:TLS|SSL)_(.+)_WITH_(.+)$/.exec(name);
  if (!parts) return undefined;
  const [, exchange = '', cipher = ''] = parts;
  const anonymous: Readonly<Record<string, string>> = { DH_ANON: 'ADH', ECDH_ANON: 'AECDH' };
  const before = exchange === 'RSA' ? '' : `${anonymous[exchange] ?? exchange.replace('_', '-')}-`;
  const after = cipher
    .replace('3DES_EDE_CBC', 'DES-CBC3')
    .replace(/^(AES|CAMELLIA|ARIA)_(\d+)/, '$1$2')
    .replace('_CBC', '')
    .replace('CHACHA20_POLY1305_SHA256', 'CHACHA20-POLY1305')
    .replaceAll('_', '-');
  return before + after;
}
