import { randomBytes } from 'node:crypto';
import { Readable, type Writable } from 'node:stream';
import { type Clock, type Random, systemClock } from '../core/clock.ts';
import { ConnectionError } from '../core/errors.ts';
import { type Logger, silentLogger } from '../core/log.ts';
import { Checksums } from './checksums.ts';
import * as calls from './client-protocol.ts';
import type { HdfsFileStatus, LocatedBlock } from './common-messages.ts';
import { type HdfsConfig, readConfig } from './config.ts';
import { isRemote, UnsupportedError } from './errors.ts';
import { readFile } from './file-reader.ts';
import { checkedPath, type FileStatus, notFound, statusOf, unsupported } from './file-status.ts';
import { HdfsFileWriter } from './file-writer.ts';
import { LeaseRenewer } from './lease-renewer.ts';
import { NameNodes } from './namenodes.ts';
import { readSiteFiles } from './site-xml.ts';
import { ExcludedNodes } from './write-context.ts';
import { writeStreamOf } from './write-stream.ts';

export interface HdfsOptions {
  /** `hdfs://host:port`, or `hdfs://nameservice`; default: `fs.defaultFS`. */
  readonly url?: string | undefined;
  /**
   * The folder with core-site.xml and hdfs-site.xml; default: `HADOOP_CONF_DIR`. Empty: none.
   */
  readonly confDir?: string | undefined;
  /** Hadoop's settings by their keys, over those of the files. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Default: `HADOOP_USER_NAME`, else the user of this process. */
  readonly user?: string | undefined;
  /** Who acts instead of `user`, if the cluster lets it. */
  readonly proxyUser?: string | undefined;
  readonly log?: Logger;
  readonly clock?: Clock;
  readonly random?: Random;
}

export interface WriteOptions {
  /** Every block is on the disks of its DataNodes when it ends. */
  readonly sync?: boolean;
}

export interface CreateOptions extends WriteOptions {
  /** Replace a file that is there; default: refuse. */
  readonly overwrite?: boolean;
  /** Default: `dfs.replication`, else what the server says. */
  readonly replication?: number | undefined;
  /** In bytes. Default: `dfs.blocksize`, else what the server says. */
  readonly blockSize?: number | undefined;
  /** Before `fs.permissions.umask-mode`; default 0o666. */
  readonly permission?: number;
  /** Make missing directories; default true. */
  readonly createParent?: boolean;
}

export interface AppendOptions extends WriteOptions {
  /** Begin a new block, though the last one is not full. */
  readonly newBlock?: boolean;
}

export interface ReadOptions {
  /** The first byte; default 0. */
  readonly start?: number;
  /** The last byte, included, as for streams of `node:fs`; default: the last one of the file. */
  readonly end?: number;
}

export interface WaitOptions {
  /** How long to wait, in ms; default 5 minutes. */
  readonly waitMs?: number;
  readonly signal?: AbortSignal;
}

export interface DatanodeReport {
  /** `127.0.0.1:9866` */
  readonly name: string;
  readonly hostName: string;
  /** In bytes. */
  readonly capacity: number;
  readonly used: number;
  readonly remaining: number;
  /** Its rack. */
  readonly location: string;
}

export interface ServerDefaults {
  readonly blockSize: number;
  readonly replication: number;
  readonly bytesPerChecksum: number;
  readonly checksumType: number;
  readonly packetSize: number;
}

const defaultWaitMs = 5 * 60_000;
const pollMs = 500;
const defaultsMs = 3_600_000;
const crc32Type = 1;
/** `CryptoProtocolVersionProto.ENCRYPTION_ZONES`: without it the NameNode refuses the file. */
const encryptionZones = 2;

const systemRandom: Random = {
  next: () => Math.random(),
  bytes: (count) => randomBytes(count),
};

/**
 * A client of HDFS 2.7 and later, without Java: it speaks with NameNodes and DataNodes as Hadoop's
 * own client does. One client serves a whole process; its files share one lease and the connections
 * to the NameNodes.
 *
 * Paths are absolute. Calls reject with a RemoteError (the cluster said no), a ConnectionError
 * (nobody could be reached for as long as the settings say) or an UnsupportedError; `retryable`
 * tells whether the same call may succeed later.
 *
 * @example
 * const hdfs = await HdfsClient.open({ url: 'hdfs://namenode:8020' });
 * const file = await hdfs.create('/logs/today');
 * await file.write(Buffer.from('a line\n'));
 * await file.hflush();
 * await file.close();
 * hdfs.close();
 */
export class HdfsClient {
  /** The holder of this client's lease; another one at each start. */
  readonly name: string;
  readonly #config: HdfsConfig;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #nameNodes: NameNodes;
  readonly #log: Logger;
  readonly #leases: LeaseRenewer;
  #defaults: { readonly value: ServerDefaults; readonly until: number } | undefined;

  private constructor(config: HdfsConfig, options: HdfsOptions) {
    this.#config = config;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? systemRandom;
    this.name = `millrace-${this.#random.bytes(12).toString('hex')}`;
    this.#log = options.log ?? silentLogger;
    this.#nameNodes = new NameNodes(config, this.#clock, this.#random, this.#log);
    this.#leases = new LeaseRenewer(this.#nameNodes, this.name, this.#clock, this.#log);
  }

  /**
   * Reads the settings; connects when it is first needed.
   *
   * @throws ConfigError, UnsupportedError
   */
  static async open(options: HdfsOptions = {}): Promise<HdfsClient> {
    const confDir = options.confDir ?? process.env['HADOOP_CONF_DIR'];
    const settings = confDir ? await readSiteFiles(confDir) : new Map<string, string>();
    for (const [key, value] of Object.entries(options.settings ?? {})) settings.set(key, value);
    const config = readConfig(settings, options.url);
    const user = options.user ?? config.user;
    const proxyUser = options.proxyUser ?? config.proxyUser;
    return new HdfsClient({ ...config, user, proxyUser }, options);
  }

  /** Where relative paths of this user begin. */
  get homeDirectory(): string {
    const { homePrefix, user, proxyUser } = this.#config;
    return `${homePrefix}/${proxyUser ?? user}`;
  }

  /** What is at this path; undefined when nothing is. */
  async stat(path: string): Promise<FileStatus | undefined> {
    const src = checkedPath(path);
    const { fs } = await this.#nameNodes.call(calls.getFileInfo, { src });
    return fs && statusOf(fs, src);
  }

  /** What is in a directory, in the server's order; of a file, the file itself. */
  async *list(path: string): AsyncGenerator<FileStatus> {
    const src = checkedPath(path);
    let startAfter: Buffer = Buffer.alloc(0);
    for (;;) {
      const request = { src, startAfter, needLocation: false };
      const { dirList } = await this.#nameNodes.call(calls.getListing, request);
      if (!dirList) throw notFound('list', src);
      for (const status of dirList.partialListing) yield statusOf(status, src);
      const last = dirList.partialListing.at(-1);
      if (!last || dirList.remainingEntries === 0) return;
      startAfter = last.path;
    }
  }

  /** Makes a directory and all that lead to it; does nothing when it is there. */
  async mkdirs(path: string, permission = 0o777): Promise<void> {
    await this.#nameNodes.call(calls.mkdirs, {
      src: checkedPath(path),
      masked: { perm: permission & ~this.#config.umask },
      createParent: true,
    });
  }

  /** Resolves with false when there is nothing at this path. */
  async delete(path: string, options: { readonly recursive?: boolean } = {}): Promise<boolean> {
    const { recursive = false } = options;
    const request = { src: checkedPath(path), recursive };
    return (await this.#nameNodes.call(calls.deletePath, request)).result;
  }

  /** Rejects when `to` exists, unless it is to be overwritten; or when there is no `from`. */
  async rename(
    from: string,
    to: string,
    options: { readonly overwrite?: boolean } = {},
  ): Promise<void> {
    const { overwrite: overwriteDest = false } = options;
    const request = { src: checkedPath(from), dst: checkedPath(to), overwriteDest };
    await this.#nameNodes.call(calls.rename2, request);
  }

  async setReplication(path: string, replication: number): Promise<boolean> {
    const request = { src: checkedPath(path), replication };
    return (await this.#nameNodes.call(calls.setReplication, request)).result;
  }

  async setPermission(path: string, permission: number): Promise<void> {
    const request = { src: checkedPath(path), permission: { perm: permission } };
    await this.#nameNodes.call(calls.setPermission, request);
  }

  /** What the NameNode wants its clients to do; asked for once an hour. */
  async serverDefaults(): Promise<ServerDefaults> {
    const now = this.#clock.monotonic();
    if (this.#defaults && now < this.#defaults.until) return this.#defaults.value;
    const { serverDefaults } = await this.#nameNodes.call(calls.getServerDefaults, {});
    if (serverDefaults.encryptDataTransfer) {
      throw new UnsupportedError('the cluster encrypts data transfer, which is not supported');
    }
    const { blockSize, replication, bytesPerChecksum, writePacketSize } = serverDefaults;
    const checksumType = serverDefaults.checksumType ?? crc32Type;
    const value = { blockSize, replication, bytesPerChecksum, checksumType };
    this.#defaults = { value: { ...value, packetSize: writePacketSize }, until: now + defaultsMs };
    return this.#defaults.value;
  }

  async datanodes(which: 'all' | 'live' | 'dead' = 'live'): Promise<DatanodeReport[]> {
    const request = { type: calls.datanodeReportTypes[which] };
    const { di } = await this.#nameNodes.call(calls.getDatanodeReport, request);
    return di.map(({ id, capacity = 0, dfsUsed = 0, remaining = 0, location = '' }) => ({
      name: `${id.ipAddr}:${id.xferPort}`,
      hostName: id.hostName,
      capacity,
      used: dfsUsed,
      remaining,
      location,
    }));
  }

  /** While it is, nothing can be written. */
  async isInSafeMode(): Promise<boolean> {
    const request = { action: calls.safeModeActions.get };
    return (await this.#nameNodes.call(calls.setSafeMode, request)).result;
  }

  /** The new file; it is this client's until it is closed. */
  async create(path: string, options: CreateOptions = {}): Promise<HdfsFileWriter> {
    const src = checkedPath(path);
    const defaults = await this.#writeDefaults();
    const { overwrite = false, permission = 0o666, createParent = true } = options;
    const { fs } = await this.#nameNodes.call(calls.create, {
      src,
      masked: { perm: permission & ~this.#config.umask },
      clientName: this.name,
      createFlag: calls.createFlags.create | (overwrite ? calls.createFlags.overwrite : 0),
      createParent,
      replication: options.replication ?? defaults.replication,
      blockSize: options.blockSize ?? defaults.blockSize,
      cryptoProtocolVersion: [encryptionZones],
      unmasked: { perm: permission },
    });
    const status = fs ?? (await this.#nameNodes.call(calls.getFileInfo, { src })).fs;
    if (!status) throw notFound('create', src);
    const problem = unsupported(status, src);
    if (problem) {
      const request = { src, clientName: this.name, fileId: status.fileId };
      await this.#nameNodes.call(calls.complete, request);
      await this.delete(src);
      throw problem;
    }
    return this.#writer(src, status, defaults, options);
  }

  /** A stream into a new file, which is closed when the stream ends, and given up if it fails. */
  createWriteStream(path: string, options: CreateOptions = {}): Writable {
    return writeStreamOf(async () => this.create(path, options));
  }

  /** The file, to be written on from its end; it must be closed. */
  async append(path: string, options: AppendOptions = {}): Promise<HdfsFileWriter> {
    const src = checkedPath(path);
    const defaults = await this.#writeDefaults();
    const { fs } = await this.#nameNodes.call(calls.getFileInfo, { src });
    if (!fs) throw notFound('append', src);
    const problem = unsupported(fs, src);
    if (problem) throw problem;
    const { append, newBlock } = calls.createFlags;
    const flag = append | (options.newBlock ? newBlock : 0);
    const request = { src, clientName: this.name, flag };
    const { block, stat } = await this.#nameNodes.call(calls.append, request);
    const writer = this.#writer(src, stat ?? fs, defaults, options);
    return this.#startAppend(writer, block);
  }

  /** The bytes of a file, verified. A file that is being written ends where it was flushed last. */
  createReadStream(path: string, options: ReadOptions = {}): Readable {
    return Readable.from(this.#read(path, options, false), { objectMode: false });
  }

  /**
   * The same for whoever is done with each piece, of up to 128 KiB, before asking for the next,
   * since that is read into the same memory: it costs less than a stream.
   *
   * @throws ConnectionError when no replica of a block could be read, RemoteError when there is no
   *   such file; in the first step or a later one
   */
  read(path: string, options: ReadOptions = {}): AsyncIterable<Buffer> {
    return this.#read(path, options, true);
  }

  /** All of a file, or of a part of it. */
  async readFile(path: string, options: ReadOptions = {}): Promise<Buffer> {
    const parts: Buffer[] = [];
    for await (const part of this.#read(path, options, false)) parts.push(part);
    return Buffer.concat(parts);
  }

  /** Cuts a closed file; resolves when it is closed again, with its new length. */
  async truncate(path: string, length: number, options: WaitOptions = {}): Promise<void> {
    const src = checkedPath(path);
    const request = { src, newLength: length, clientName: this.name };
    const { result } = await this.#nameNodes.call(calls.truncate, request, options.signal);
    if (result) return;
    await this.#until(`truncate ${src}`, options, async () => {
      return (await this.#nameNodes.call(calls.isFileClosed, { src }, options.signal)).result;
    });
  }

  /**
   * Takes an open file from whoever writes it, and resolves when it is closed, with at least all
   * that was flushed.
   */
  async recoverLease(path: string, options: WaitOptions = {}): Promise<void> {
    const src = checkedPath(path);
    const request = { src, clientName: this.name };
    await this.#until(`recover the lease of ${src}`, options, async () => {
      try {
        return (await this.#nameNodes.call(calls.recoverLease, request, options.signal)).result;
      } catch (error) {
        if (isRemote(error, 'RecoveryInProgressException')) return false;
        if (isRemote(error, 'AlreadyBeingCreatedException')) return false;
        throw error;
      }
    });
  }

  /** Whether a file is closed: nobody writes it. */
  async isClosed(path: string): Promise<boolean> {
    return (await this.#nameNodes.call(calls.isFileClosed, { src: checkedPath(path) })).result;
  }

  /**
   * Whether a client of this `name` has the file open, also one whose process is gone, as long as
   * nobody took the file from it. Changes nothing.
   */
  async isWrittenBy(path: string, clientName: string): Promise<boolean> {
    // Without a length it only has the NameNode log the blocks that it knows of already.
    const request = { src: checkedPath(path), client: clientName };
    try {
      await this.#nameNodes.call(calls.fsync, request);
      return true;
    } catch (error) {
      if (isRemote(error, 'LeaseExpiredException')) return false;
      if (isRemote(error, 'FileNotFoundException')) return false;
      throw error;
    }
  }

  /** Done by itself every 30 s while files are open. */
  async renewLease(): Promise<void> {
    await this.#nameNodes.call(calls.renewLease, { clientName: this.name, namespaces: [] });
  }

  /** Gives up what is open, and all that waits. */
  close(): void {
    const closed = new ConnectionError('the HDFS client was closed');
    for (const holder of this.#leases.holders) holder.abort(closed);
    this.#nameNodes.close();
  }

  async #until(
    what: string,
    { waitMs = defaultWaitMs, signal }: WaitOptions,
    done: () => Promise<boolean>,
  ): Promise<void> {
    const deadline = this.#clock.monotonic() + waitMs;
    while (!(await done())) {
      if (signal?.aborted) throw new ConnectionError(`${what}: given up`);
      if (this.#clock.monotonic() >= deadline) {
        throw new ConnectionError(`${what}: not done within ${waitMs} ms`);
      }
      await this.#clock.sleep(pollMs, signal);
    }
  }

  #read(path: string, options: ReadOptions, reuses: boolean): AsyncGenerator<Buffer> {
    const { start = 0, end = Number.POSITIVE_INFINITY } = options;
    const context = {
      config: this.#config,
      clock: this.#clock,
      clientName: this.name,
      nameNodes: this.#nameNodes,
      path: checkedPath(path),
      clientId: this.#random.bytes(16),
      reuses,
      ready: async () => this.serverDefaults(),
    };
    return readFile(context, start, end + 1);
  }

  async #writeDefaults(): Promise<ServerDefaults> {
    const server = await this.serverDefaults();
    const { write } = this.#config;
    return {
      blockSize: write.blockSize ?? server.blockSize,
      replication: write.replication ?? server.replication,
      bytesPerChecksum: write.bytesPerChecksum ?? server.bytesPerChecksum,
      checksumType: write.checksumType ?? server.checksumType,
      packetSize: write.packetSize ?? server.packetSize,
    };
  }

  #writer(
    path: string,
    status: HdfsFileStatus,
    defaults: ServerDefaults,
    { sync = false }: WriteOptions,
  ): HdfsFileWriter {
    const abort = new AbortController();
    const writer = new HdfsFileWriter({
      config: this.#config,
      clock: this.#clock,
      nameNodes: this.#nameNodes,
      log: this.#log,
      clientName: this.name,
      path,
      fileId: status.fileId ?? 0,
      replication: status.blockReplication ?? defaults.replication,
      blockSize: status.blocksize ?? defaults.blockSize,
      checksums: new Checksums(defaults.checksumType, defaults.bytesPerChecksum),
      packetSize: defaults.packetSize,
      signal: abort.signal,
      abort,
      excluded: new ExcludedNodes(this.#clock),
      sync,
      namespace: status.namespace,
      position: status.length,
      ended: (each) => this.#leases.remove(each),
    });
    this.#leases.add(writer);
    return writer;
  }

  async #startAppend(
    writer: HdfsFileWriter,
    block: LocatedBlock | undefined,
  ): Promise<HdfsFileWriter> {
    if (!block) return writer;
    if (block.locs.length === 0) {
      writer.beginAfter(block.b);
      return writer;
    }
    try {
      await writer.openLast(block);
      return writer;
    } catch (error) {
      writer.abort();
      throw error;
    }
  }
}
