import { userInfo } from 'node:os';
import { ConfigError } from '../core/errors.ts';
import { checksumTypes } from './common-messages.ts';
import { UnsupportedError } from './errors.ts';
import { expand } from './site-xml.ts';

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** What Hadoop's settings say to this client; times in ms. */
export interface HdfsConfig {
  /** One, or several of which one is active. */
  readonly nameNodes: readonly Address[];
  readonly user: string;
  readonly proxyUser: string | undefined;
  readonly umask: number;
  /** Under which users have their directories. */
  readonly homePrefix: string;
  readonly rpc: RpcConfig;
  readonly write: WriteConfig;
  readonly socketTimeoutMs: number;
  readonly useHostname: boolean;
}

export interface RpcConfig {
  readonly connectTimeoutMs: number;
  readonly rpcTimeoutMs: number;
  readonly pingIntervalMs: number;
  /** How often a single NameNode that is out of reach is tried again, a second apart. */
  readonly maxConnectRetries: number;
  readonly maxFailovers: number;
  readonly maxRetries: number;
  readonly sleepBaseMs: number;
  readonly sleepMaxMs: number;
}

export interface WriteConfig {
  /** Settings that are absent leave it to the server. */
  readonly replication: number | undefined;
  readonly blockSize: number | undefined;
  readonly bytesPerChecksum: number | undefined;
  readonly checksumType: number | undefined;
  readonly packetSize: number | undefined;
  readonly maxPacketsInFlight: number;
  readonly blockWriteRetries: number;
  readonly locateRetries: number;
  readonly locateDelayMs: number;
  readonly locateMaxDelayMs: number;
  readonly maxRecoveries: number;
  readonly restartTimeoutMs: number;
  readonly replacement: ReplacementPolicy;
}

/** `dfs.client.block.write.replace-datanode-on-failure.*` */
export interface ReplacementPolicy {
  readonly policy: 'ALWAYS' | 'DEFAULT' | 'NEVER';
  readonly bestEffort: boolean;
  readonly minReplication: number;
}

const defaultPort = 8020;
const replacementKey = 'dfs.client.block.write.replace-datanode-on-failure';

/**
 * @param settings Hadoop's settings, not yet expanded
 * @param url `hdfs://host:port`, or the name of a nameservice; default: `fs.defaultFS`
 * @throws ConfigError when a setting is wrong, UnsupportedError when it asks for Kerberos
 */
export function readConfig(
  settings: ReadonlyMap<string, string>,
  url?: string,
  environment: NodeJS.ProcessEnv = process.env,
): HdfsConfig {
  const read = new Settings(settings, environment);
  const authentication = read.text('hadoop.security.authentication') ?? 'simple';
  if (authentication.toLowerCase() !== 'simple') {
    throw new UnsupportedError(
      `hadoop.security.authentication = ${authentication} is not supported`,
    );
  }
  return {
    nameNodes: nameNodesOf(url ?? read.text('fs.defaultFS'), read),
    user: environment['HADOOP_USER_NAME'] || userInfo().username,
    proxyUser: environment['HADOOP_PROXY_USER'] || undefined,
    umask: read.octal('fs.permissions.umask-mode', 0o022),
    homePrefix: (read.text('dfs.user.home.dir.prefix') ?? '/user').replace(/\/+$/, ''),
    rpc: rpcConfig(read),
    write: writeConfig(read),
    socketTimeoutMs: read.number('dfs.client.socket-timeout') ?? 60_000,
    useHostname: read.flag('dfs.client.use.datanode.hostname', false),
  };
}

function rpcConfig(read: Settings): RpcConfig {
  return {
    connectTimeoutMs: read.number('ipc.client.connect.timeout') ?? 20_000,
    rpcTimeoutMs: read.number('ipc.client.rpc-timeout.ms') ?? 120_000,
    pingIntervalMs: read.number('ipc.ping.interval') ?? 60_000,
    maxConnectRetries: read.number('ipc.client.connect.max.retries') ?? 10,
    maxFailovers: read.number('dfs.client.failover.max.attempts') ?? 15,
    maxRetries: read.number('dfs.client.retry.max.attempts') ?? 10,
    sleepBaseMs: read.number('dfs.client.failover.sleep.base.millis') ?? 500,
    sleepMaxMs: read.number('dfs.client.failover.sleep.max.millis') ?? 15_000,
  };
}

function writeConfig(read: Settings): WriteConfig {
  const locate = 'dfs.client.block.write.locateFollowingBlock';
  return {
    replication: read.number('dfs.replication'),
    blockSize: read.number('dfs.blocksize'),
    bytesPerChecksum: read.number('dfs.bytes-per-checksum'),
    checksumType: checksumTypeOf(read.text('dfs.checksum.type')),
    packetSize: read.number('dfs.client-write-packet-size'),
    maxPacketsInFlight: read.number('dfs.client.write.max-packets-in-flight') ?? 80,
    blockWriteRetries: read.number('dfs.client.block.write.retries') ?? 3,
    locateRetries: read.number(`${locate}.retries`) ?? 5,
    locateDelayMs: read.number(`${locate}.initial.delay.ms`) ?? 400,
    locateMaxDelayMs: read.number(`${locate}.max.delay.ms`) ?? 60_000,
    maxRecoveries: read.number('dfs.client.pipeline.recovery.max-retries') ?? 5,
    restartTimeoutMs: read.time('dfs.client.datanode-restart.timeout', 30_000),
    replacement: {
      policy: policyOf(read),
      bestEffort: read.flag(`${replacementKey}.best-effort`, false),
      minReplication: read.number(`${replacementKey}.min-replication`) ?? 0,
    },
  };
}

function policyOf(read: Settings): ReplacementPolicy['policy'] {
  if (!read.flag(`${replacementKey}.enable`, true)) return 'NEVER';
  const policy = (read.text(`${replacementKey}.policy`) ?? 'DEFAULT').toUpperCase();
  if (policy === 'ALWAYS' || policy === 'DEFAULT' || policy === 'NEVER') return policy;
  throw new ConfigError(`${replacementKey}.policy`, `must be ALWAYS, DEFAULT or NEVER: ${policy}`);
}

function checksumTypeOf(name: string | undefined): number | undefined {
  if (name === undefined) return undefined;
  if (name === 'CRC32C') return checksumTypes.crc32c;
  if (name === 'CRC32') return checksumTypes.crc32;
  throw new ConfigError('dfs.checksum.type', `must be CRC32C or CRC32: ${name}`);
}

/** A nameservice stands for the addresses of its NameNodes. */
function nameNodesOf(url: string | undefined, read: Settings): Address[] {
  if (!url) throw new ConfigError('fs.defaultFS', 'no URL of HDFS is given');
  const [, authority] = /^hdfs:\/\/([^/]+)\/?$/.exec(url) ?? [];
  if (!authority) throw new ConfigError('fs.defaultFS', `must be hdfs://host:port: ${url}`);
  const names = read.text(`dfs.ha.namenodes.${authority}`);
  if (names === undefined) return [addressOf('fs.defaultFS', authority)];
  return names.split(/[\s,]+/).flatMap((name) => {
    if (name === '') return [];
    const key = `dfs.namenode.rpc-address.${authority}.${name}`;
    const address = read.text(key);
    if (address === undefined) throw new ConfigError(key, 'is missing');
    return [addressOf(key, address)];
  });
}

function addressOf(key: string, text: string): Address {
  const [, bracketed, plain, digits] =
    /^(?:\[([^\]]+)\]|([^:[\]\s]+))(?::(\d+))?$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  const port = digits === undefined ? defaultPort : Number(digits);
  if (!host || port < 1 || port > 65_535) throw new ConfigError(key, `is no host:port: ${text}`);
  return { host, port };
}

const sizeUnits: Readonly<Record<string, number>> = {
  k: 2 ** 10,
  m: 2 ** 20,
  g: 2 ** 30,
  t: 2 ** 40,
};
const timeUnits: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};

/** Settings by their keys, expanded, and read as Hadoop reads them. */
class Settings {
  readonly #settings: ReadonlyMap<string, string>;
  readonly #environment: NodeJS.ProcessEnv;

  constructor(settings: ReadonlyMap<string, string>, environment: NodeJS.ProcessEnv) {
    this.#settings = settings;
    this.#environment = environment;
  }

  text(key: string): string | undefined {
    return expand(key, this.#settings, this.#environment)?.trim() || undefined;
  }

  /** A whole number that is not negative, with k, m, g or t for its powers of 1024. */
  number(key: string): number | undefined {
    const text = this.text(key);
    if (text === undefined) return undefined;
    const [, digits, unit = ''] = /^(\d{1,15})([kmgt]?)$/i.exec(text) ?? [];
    const value = Number(digits) * (sizeUnits[unit.toLowerCase()] ?? 1);
    if (!Number.isSafeInteger(value)) throw new ConfigError(key, `must be a whole number: ${text}`);
    return value;
  }

  /** In ms. Without a unit: seconds. */
  time(key: string, fallback: number): number {
    const text = this.text(key);
    if (text === undefined) return fallback;
    const [, digits, unit = 's'] = /^(\d{1,12})(ms|s|m|h)?$/i.exec(text) ?? [];
    const value = Number(digits) * (timeUnits[unit.toLowerCase()] ?? Number.NaN);
    if (!Number.isSafeInteger(value)) throw new ConfigError(key, `must be a time: ${text}`);
    return value;
  }

  flag(key: string, fallback: boolean): boolean {
    const text = this.text(key)?.toLowerCase();
    if (text === undefined) return fallback;
    if (text !== 'true' && text !== 'false')
      throw new ConfigError(key, `must be true or false: ${text}`);
    return text === 'true';
  }

  octal(key: string, fallback: number): number {
    const text = this.text(key);
    if (text === undefined) return fallback;
    if (!/^[0-7]{1,4}$/.test(text)) throw new ConfigError(key, `must be octal, like 022: ${text}`);
    return Number.parseInt(text, 8);
  }
}
