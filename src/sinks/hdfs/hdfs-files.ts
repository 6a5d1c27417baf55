import { dirname } from 'node:path/posix';
import type { HdfsClient } from '../../hdfs/client.ts';
import { isRemote } from '../../hdfs/errors.ts';
import type { HdfsFileWriter } from '../../hdfs/file-writer.ts';
import {
  FileExistsError,
  type FileInfo,
  type FileSystem,
  type OutputFile,
} from '../../outputs/file-system.ts';

/** What is to survive when all DataNodes of a block lose power at once: nothing, or all. */
export type Durability = 'hflush' | 'hsync';

export interface HdfsFilesOptions {
  readonly client: HdfsClient;
  /** `hdfs://namenode:8020` */
  readonly authority: string;
  readonly durability: Durability;
}

/** What the NameNode says of a name that is taken, by a closed file or by one that is open. */
const takenClasses = [
  'FileAlreadyExistsException',
  'AlreadyBeingCreatedException',
  'RecoveryInProgressException',
];

/** HDFS. A flush makes durable what it can, so that there is nothing left to sync. */
export class HdfsFiles implements FileSystem {
  readonly #client: HdfsClient;
  readonly #authority: string;
  readonly #durability: Durability;

  constructor({ client, authority, durability }: HdfsFilesOptions) {
    this.#client = client;
    this.#authority = authority;
    this.#durability = durability;
  }

  /** The holder of the lease of the files. */
  get creator(): string {
    return this.#client.name;
  }

  uriOf(path: string): string {
    return `${this.#authority}${path}`;
  }

  async create(path: string): Promise<OutputFile> {
    try {
      const writer = await this.#client.create(path, { sync: this.#durability === 'hsync' });
      return new HdfsFile(writer, this.#durability);
    } catch (error) {
      if (takenClasses.some((name) => isRemote(error, name))) throw taken(path, error);
      throw error;
    }
  }

  async stat(path: string): Promise<FileInfo | undefined> {
    const found = await this.#client.stat(path);
    return found && { id: String(found.fileId), length: found.length };
  }

  async rename(from: string, to: string): Promise<void> {
    // A name may have slashes of its own.
    if (dirname(to) !== dirname(from)) await this.#client.mkdirs(dirname(to));
    try {
      await this.#client.rename(from, to);
    } catch (error) {
      if (!isRemote(error, 'FileAlreadyExistsException')) throw error;
      const [one, other] = await Promise.all([this.stat(from), this.stat(to)]);
      if (one?.id !== other?.id) throw taken(to, error);
    }
  }

  async remove(path: string): Promise<void> {
    await this.#client.delete(path);
  }

  async cut(path: string, length: number): Promise<number> {
    await this.#client.recoverLease(path);
    const found = await this.#client.stat(path);
    if (!found) throw new Error(`${path} was removed while it was cut`);
    if (found.length <= length) return found.length;
    await this.#client.truncate(path, length);
    return length;
  }

  async isLeftBy(path: string, creator: string): Promise<boolean> {
    const found = await this.#client.stat(path);
    if (found?.type !== 'file') return false;
    if (await this.#client.isWrittenBy(path, creator)) return true;
    if (!(await this.#client.isClosed(path))) return false;
    // Only now: as long as it was open it could still get something.
    return (await this.#client.stat(path))?.length === 0;
  }

  async sync(): Promise<void> {}

  async close(): Promise<void> {
    this.#client.close();
  }
}

class HdfsFile implements OutputFile {
  readonly #writer: HdfsFileWriter;
  readonly #durability: Durability;

  constructor(writer: HdfsFileWriter, durability: Durability) {
    this.#writer = writer;
    this.#durability = durability;
  }

  get path(): string {
    return this.#writer.path;
  }

  get id(): string {
    return String(this.#writer.fileId);
  }

  /** Unknown between two blocks. */
  get replicas(): number | undefined {
    return this.#writer.datanodes.length || undefined;
  }

  get wantedReplicas(): number {
    return this.#writer.replication;
  }

  write(buffers: readonly Buffer[]): Promise<void> {
    return this.#writer.write(buffers);
  }

  flush(): Promise<void> {
    return this.#durability === 'hsync' ? this.#writer.hsync() : this.#writer.hflush();
  }

  close(): Promise<void> {
    return this.#writer.close();
  }

  async abandon(): Promise<void> {
    this.#writer.abort();
  }
}

function taken(path: string, cause: unknown): FileExistsError {
  return new FileExistsError(`${path} exists`, { cause });
}
