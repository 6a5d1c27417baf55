import type { TlsOptions } from 'node:tls';
import type { FieldProblem } from '../config/definition.ts';
import { boolean, type ConfigOf, list, optionalText } from '../config/field.ts';
import { processSetting } from '../config/system-properties.ts';
import { ConfigError } from '../core/errors.ts';
import type { Identity } from './key-store.ts';
import { chooseTls, type Filter } from './tls-names.ts';

/**
 * The TLS options of a source that listens, under Flume's keys (its class
 * `SslContextAwareAbstractSource`), and Millrace's own for PEM files and for client certificates.
 * A source spreads them into its fields, adds `tlsProblems` to its `check`, and calls
 * `tlsServerOptions` when it starts.
 */
export const tlsServerFields = {
  ssl: boolean({ doc: 'Takes connections over TLS only.', default: false }),
  keystore: optionalText({
    doc: 'With `ssl`: the file with the private key and its certificates.',
    defaultText: '`-Djavax.net.ssl.keyStore`, else `FLUME_SSL_KEYSTORE_PATH`',
  }),
  keystorePassword: optionalText({
    key: 'keystore-password',
    doc: 'The password of the key store, and of the key in it.',
    defaultText: '`-Djavax.net.ssl.keyStorePassword`, else `FLUME_SSL_KEYSTORE_PASSWORD`',
    secret: true,
  }),
  keystoreType: optionalText({
    key: 'keystore-type',
    doc: 'JKS, PKCS12 or PEM; what the file is is seen from its content, whatever stands here.',
    defaultText: '`-Djavax.net.ssl.keyStoreType`, else `FLUME_SSL_KEYSTORE_TYPE`, else JKS',
  }),
  includeProtocols: list({
    key: 'include-protocols',
    doc: 'Only these versions: TLSv1, TLSv1.1, TLSv1.2, TLSv1.3; none: the last two.',
    default: [],
    defaultText: '`-Dflume.ssl.include.protocols`, else `FLUME_SSL_INCLUDE_PROTOCOLS`',
  }),
  excludeProtocols: list({
    key: 'exclude-protocols',
    doc: 'Not these versions; SSLv3 never.',
    default: [],
    defaultText: '`-Dflume.ssl.exclude.protocols`, else `FLUME_SSL_EXCLUDE_PROTOCOLS`',
  }),
  includeCipherSuites: list({
    key: 'include-cipher-suites',
    doc: "Only these cipher suites, by Java's names or OpenSSL's; none: all that Node takes.",
    default: [],
    defaultText: '`-Dflume.ssl.include.cipherSuites`, else `FLUME_SSL_INCLUDE_CIPHERSUITES`',
  }),
  excludeCipherSuites: list({
    key: 'exclude-cipher-suites',
    doc: 'Not these cipher suites, also where they are included.',
    default: [],
    defaultText: '`-Dflume.ssl.exclude.cipherSuites`, else `FLUME_SSL_EXCLUDE_CIPHERSUITES`',
  }),
  certificate: optionalText({
    doc: 'With `ssl`, in place of a key store: a PEM file with the certificate and its chain.',
    extra: true,
  }),
  privateKey: optionalText({
    key: 'private-key',
    doc: 'The PEM file with the key of `certificate`.',
    defaultText: 'the file of `certificate`',
    extra: true,
  }),
  privateKeyPassword: optionalText({
    key: 'private-key-password',
    doc: 'What the private key is encrypted with.',
    secret: true,
    extra: true,
  }),
  needClientAuth: boolean({
    key: 'need-client-auth',
    doc: 'With `ssl`: takes only clients with a certificate that `truststore` vouches for.',
    default: false,
    extra: true,
  }),
  truststore: optionalText({
    doc: 'The certificates that vouch for clients: a JKS, PKCS12 or PEM file.',
    defaultText: '`-Djavax.net.ssl.trustStore`, else `FLUME_SSL_TRUSTSTORE_PATH`',
    extra: true,
  }),
  truststorePassword: optionalText({
    key: 'truststore-password',
    doc: 'The password of the trust store.',
    defaultText: '`-Djavax.net.ssl.trustStorePassword`, else `FLUME_SSL_TRUSTSTORE_PASSWORD`',
    secret: true,
    extra: true,
  }),
  truststoreType: optionalText({
    key: 'truststore-type',
    doc: 'JKS, PKCS12 or PEM; what the file is is seen from its content, whatever stands here.',
    defaultText: '`-Djavax.net.ssl.trustStoreType`, else `FLUME_SSL_TRUSTSTORE_TYPE`, else JKS',
    extra: true,
  }),
};

export type TlsServerConfig = ConfigOf<typeof tlsServerFields>;

/** What can be said of the TLS options without opening a file: for a definition's `check`. */
export function tlsProblems(config: TlsServerConfig): readonly FieldProblem[] {
  if (!config.ssl) return [];
  const problems: FieldProblem[] = [...identityProblems(config)];
  const { needClientAuth, truststore, truststoreType } = withGlobals(config);
  const unreadable = needClientAuth && typeProblem('truststore-type', truststoreType);
  if (unreadable) problems.push(unreadable);
  if (needClientAuth && !truststore) {
    const problem = 'it names no file: nobody could connect, since need-client-auth is true';
    problems.push({ key: 'truststore', problem });
  } else if (config.truststore && !needClientAuth) {
    const problem = 'it has no effect unless need-client-auth is true';
    problems.push({ key: 'truststore', problem, severity: 'warning' });
  }
  return [...problems, ...chooseTls(protocolsOf(config), ciphersOf(config)).problems];
}

function identityProblems(config: TlsServerConfig): readonly FieldProblem[] {
  const { keystore, keystorePassword, keystoreType } = withGlobals(config);
  if (config.certificate) {
    if (!config.keystore) return [];
    const problem = 'certificate is used instead';
    return [{ key: 'keystore', problem, severity: 'warning' }];
  }
  if (!keystore) {
    const problem = 'there is neither a key store nor a certificate, and ssl = true needs one';
    return [{ key: 'keystore', problem }];
  }
  const unreadable = typeProblem('keystore-type', keystoreType);
  if (unreadable) return [unreadable];
  if (keystorePassword || keystoreType?.toUpperCase() === 'PEM') return [];
  return [
    { key: 'keystore-password', problem: 'there is no password, and the key store needs one' },
  ];
}

function typeProblem(key: string, type: string | undefined): FieldProblem | undefined {
  if (!type || ['JKS', 'PKCS12', 'PEM'].includes(type.toUpperCase())) return undefined;
  return { key, problem: `key stores of type ${type} cannot be read: JKS, PKCS12 and PEM can` };
}

/**
 * What Node's TLS server is given; `undefined`: no TLS.
 *
 * @throws ConfigError, naming key and file, when a file can't be read or used
 */
export async function tlsServerOptions(config: TlsServerConfig): Promise<TlsOptions | undefined> {
  if (!config.ssl) return undefined;
  const settings = withGlobals(config);
  return {
    ...(await identityOf(settings)),
    ...(settings.needClientAuth && { ca: await trustOf(settings) }),
    requestCert: settings.needClientAuth,
    rejectUnauthorized: settings.needClientAuth,
    ...chooseTls(protocolsOf(config), ciphersOf(config)).options,
  };
}

async function identityOf(settings: TlsServerConfig): Promise<Identity> {
  const { readIdentity, readPemIdentity } = await keyStores();
  const { certificate, privateKey, privateKeyPassword } = settings;
  if (certificate) {
    return readPemIdentity(certificate, privateKey ?? certificate, privateKeyPassword);
  }
  const { keystore, keystorePassword } = settings;
  if (!keystore) throw new ConfigError('keystore', 'it is needed when ssl is true');
  return readIdentity(keystore, keystorePassword);
}

async function trustOf(settings: TlsServerConfig): Promise<string[]> {
  const { readTrust } = await keyStores();
  const { truststore, truststorePassword } = settings;
  if (!truststore) throw new ConfigError('truststore', 'it is needed for need-client-auth');
  return readTrust(truststore, truststorePassword);
}

/** Loaded when one is read: a check reads none, and most sources don't either. */
function keyStores() {
  return import('./key-store.ts');
}

/** What the process says stands where the component says nothing, as in Flume. */
function withGlobals(config: TlsServerConfig): TlsServerConfig {
  const store = (name: string, variable: string) =>
    processSetting(`javax.net.ssl.${name}`, `FLUME_SSL_${variable}`);
  return {
    ...config,
    keystore: config.keystore ?? store('keyStore', 'KEYSTORE_PATH'),
    keystorePassword: config.keystorePassword ?? store('keyStorePassword', 'KEYSTORE_PASSWORD'),
    keystoreType: config.keystoreType ?? store('keyStoreType', 'KEYSTORE_TYPE'),
    truststore: config.truststore ?? store('trustStore', 'TRUSTSTORE_PATH'),
    truststorePassword:
      config.truststorePassword ?? store('trustStorePassword', 'TRUSTSTORE_PASSWORD'),
    truststoreType: config.truststoreType ?? store('trustStoreType', 'TRUSTSTORE_TYPE'),
  };
}

function protocolsOf({ includeProtocols, excludeProtocols }: TlsServerConfig): Filter {
  return {
    included: includeProtocols.length > 0 ? includeProtocols : globalList('include.protocols'),
    // The component's are added to those of the process, as Flume adds them to SSLv3.
    excluded: [...globalList('exclude.protocols'), ...excludeProtocols],
  };
}

function ciphersOf({ includeCipherSuites, excludeCipherSuites }: TlsServerConfig): Filter {
  const byDefault = {
    included: globalList('include.cipherSuites'),
    excluded: globalList('exclude.cipherSuites'),
  };
  return {
    included: includeCipherSuites.length > 0 ? includeCipherSuites : byDefault.included,
    excluded: excludeCipherSuites.length > 0 ? excludeCipherSuites : byDefault.excluded,
  };
}

/** Lists of the process are separated by commas. */
function globalList(name: string): readonly string[] {
  const variable = `FLUME_SSL_${name.replace('.', '_').toUpperCase()}`;
  const value = processSetting(`flume.ssl.${name}`, variable) ?? '';
  return value.split(/[\s,]+/).filter(Boolean);
}
