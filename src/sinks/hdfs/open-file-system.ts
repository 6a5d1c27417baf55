import { join } from 'node:path';
import type { Clock, Random } from '../../core/clock.ts';
import type { Disk } from '../../core/disk.ts';
import { ConfigError } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';
import { expand, readSiteFiles } from '../../hdfs/site-xml.ts';
import type { FileSystem } from '../../outputs/file-system.ts';
import { LocalFiles, newCreator } from '../../outputs/local-files.ts';
import { type Durability, HdfsFiles } from './hdfs-files.ts';

/** The beginning of a URI: `hdfs` and `namenode:8020`. */
export interface FileSystemUri {
  readonly scheme: string | undefined;
  readonly authority: string | undefined;
}

export interface FileSystemOptions {
  /** The folder with core-site.xml and hdfs-site.xml. */
  readonly confDir?: string | undefined;
  readonly user?: string | undefined;
  readonly proxyUser?: string | undefined;
  /** Of flushes to HDFS. */
  readonly durability: Durability;
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Hadoop's settings by their keys, over those of the files. */
  readonly settings?: Readonly<Record<string, string>>;
}

export interface OpenedFileSystem {
  readonly fileSystem: FileSystem;
  /** Where relative paths begin. */
  readonly home: string;
}

const pathKey = 'hdfs.path';
const confDirKey = 'hdfs.confDir';
const defaultKey = 'fs.defaultFS';
const hadoopsDefault = 'file:///';

/**
 * The file system that a URI means to Hadoop: without a scheme that of `fs.defaultFS`, and the
 * local one where nothing is configured. HDFS is connected to when it is first needed.
 *
 * Hadoop's settings are in `confDir`, else where `HADOOP_CONF_DIR` says, else in `etc/hadoop` under
 * `HADOOP_HOME`.
 *
 * @throws ConfigError, UnsupportedError
 */
export async function openFileSystem(
  uri: FileSystemUri,
  options: FileSystemOptions,
): Promise<OpenedFileSystem> {
  const scheme = uri.scheme?.toLowerCase();
  if (scheme === 'file') return openLocal(options);
  if (scheme !== undefined && scheme !== 'hdfs') throw new ConfigError(pathKey, notWritten(scheme));
  const settings = await readSettings(options);
  if (uri.authority) return openHdfs(`hdfs://${uri.authority}`, settings, options);

  const url = expand(defaultKey, settings, process.env)?.trim() || hadoopsDefault;
  const [, found = '', authority] = /^([^:/]+):(?:\/\/([^/]*))?/.exec(url) ?? [];
  const foundScheme = found.toLowerCase();
  if (foundScheme === 'hdfs' && authority)
    return openHdfs(`hdfs://${authority}`, settings, options);
  if (scheme === 'hdfs') {
    throw new ConfigError(pathKey, `names no host, and ${defaultKey} is not one of HDFS: ${url}`);
  }
  if (foundScheme !== 'file') throw new ConfigError(defaultKey, notWritten(foundScheme || url));
  if (!settings.has(defaultKey)) {
    const sentence = `No ${defaultKey} is set: the files are on the local file system.`;
    options.log.warn({ folder: folderOf(options) }, sentence);
  }
  return openLocal(options);
}

function openLocal({ disk, random }: FileSystemOptions): OpenedFileSystem {
  const fileSystem = new LocalFiles({ disk, creator: newCreator(random) });
  return { fileSystem, home: process.cwd() };
}

async function openHdfs(
  authority: string,
  settings: ReadonlyMap<string, string>,
  { user, proxyUser, durability, clock, random, log }: FileSystemOptions,
): Promise<OpenedFileSystem> {
  // A check opens none.
  const { HdfsClient } = await import('../../hdfs/client.ts');
  const client = await HdfsClient.open({
    url: authority,
    // The settings are all that the folder has.
    confDir: '',
    settings: Object.fromEntries(settings),
    user,
    proxyUser,
    clock,
    random,
    log,
  });
  const fileSystem = new HdfsFiles({ client, authority, durability });
  return { fileSystem, home: client.homeDirectory };
}

/** Not yet expanded. */
async function readSettings(options: FileSystemOptions): Promise<Map<string, string>> {
  const folder = folderOf(options);
  const settings = folder ? await readSiteFiles(folder) : new Map<string, string>();
  if (options.confDir && settings.size === 0) {
    const problem = `there is no core-site.xml or hdfs-site.xml in ${options.confDir}`;
    throw new ConfigError(confDirKey, problem);
  }
  for (const [key, value] of Object.entries(options.settings ?? {})) settings.set(key, value);
  return settings;
}

function folderOf({ confDir }: FileSystemOptions): string | undefined {
  const { HADOOP_CONF_DIR: configured, HADOOP_HOME: home } = process.env;
  return confDir || configured || (home ? join(home, 'etc/hadoop') : undefined);
}

function notWritten(scheme: string): string {
  return `can't write to ${scheme}: only hdfs and file are supported`;
}
