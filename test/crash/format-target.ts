/** Where the files of the kill loop lie: a directory of HDFS, or of this machine. */
import {
  copyFileSync,
  cpSync,
  existsSync,
  readdirSync,
  rmSync,
  statSync,
  watch,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { HdfsClient, isRemote } from '../../src/hdfs/index.ts';
import type { HdfsCluster } from '../../testbed/hdfs.ts';

export const targets = { hdfs: 'HDFS', local: 'local files' } as const;
export type Target = keyof typeof targets;

export interface TargetFile {
  readonly path: string;
  /** Stays the same when it is renamed. */
  readonly id: string;
}

export interface OpenFile {
  readonly holder: string;
  readonly path: string;
}

export interface TargetFolder {
  /** For `hdfs.path`. */
  readonly uri: string;
  readonly path: string;
  /** All files below; one that is renamed meanwhile may be left out. */
  files(): Promise<TargetFile[]>;
  /** Who has a file of that name, if there is one. */
  idOf(path: string): Promise<string | undefined>;
  /** Resolves when a file is made or renamed, or `signal` aborts; absent where nobody tells. */
  readonly changed?: (signal: AbortSignal) => Promise<void>;
  /** Files that somebody holds open, as the file system tells it. */
  openFiles(): Promise<OpenFile[]>;
  /** Copies one file. */
  fetch(path: string, to: string): Promise<void>;
  /** Copies all of it, and says what the file system finds wrong with it. */
  fetchAll(to: string): Promise<string[]>;
  remove(): Promise<void>;
  close(): void;
}

const dfsAdmin = 'org.apache.hadoop.hdfs.tools.DFSAdmin';

export class HdfsFolder implements TargetFolder {
  readonly uri: string;
  readonly path: string;
  readonly #cluster: HdfsCluster;
  readonly #hdfs: HdfsClient;

  private constructor(cluster: HdfsCluster, hdfs: HdfsClient, path: string) {
    this.#cluster = cluster;
    this.#hdfs = hdfs;
    this.path = path;
    this.uri = `${cluster.url}${path}`;
  }

  static async open(cluster: HdfsCluster, path: string): Promise<HdfsFolder> {
    return new HdfsFolder(cluster, await HdfsClient.open({ confDir: cluster.confDir }), path);
  }

  async files(): Promise<TargetFile[]> {
    const files: TargetFile[] = [];
    const folders = [this.path];
    for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
      try {
        for await (const { type, path, fileId } of this.#hdfs.list(folder)) {
          if (type === 'directory') folders.push(path);
          else files.push({ path, id: String(fileId) });
        }
      } catch (error) {
        // Nothing was written yet.
        if (folder !== this.path || !isRemote(error, 'FileNotFoundException')) throw error;
      }
    }
    return files;
  }

  async idOf(path: string): Promise<string | undefined> {
    const found = await this.#hdfs.stat(path);
    return found && String(found.fileId);
  }

  async openFiles(): Promise<OpenFile[]> {
    const text = (await this.#cluster.run(dfsAdmin, ['-listOpenFiles'])).toString();
    return text.split('\n').flatMap((line) => {
      const [, holder, path] = line.trim().split(/\s+/);
      return holder && path?.startsWith(`${this.path}/`) ? { holder, path } : [];
    });
  }

  async fetch(path: string, to: string): Promise<void> {
    writeFileSync(to, await this.#hdfs.readFile(path));
  }

  /** With Hadoop. */
  async fetchAll(to: string): Promise<string[]> {
    await this.#cluster.dfs('-get', this.path, to);
    const fsck = await this.#cluster.fsck(this.path, '-openforwrite', '-files');
    const wrong = fsck.split('\n').filter((line) => line.includes('OPENFORWRITE'));
    return fsck.includes('is HEALTHY') ? wrong : [...wrong, fsck];
  }

  async remove(): Promise<void> {
    await this.#hdfs.delete(this.path, { recursive: true });
  }

  close(): void {
    this.#hdfs.close();
  }
}

export class LocalFolder implements TargetFolder {
  readonly uri: string;
  readonly path: string;

  constructor(path: string) {
    this.path = path;
    this.uri = `file://${path}`;
  }

  readonly changed = async (signal: AbortSignal): Promise<void> => {
    await new Promise<void>((resolve) => {
      const watcher = watch(this.path, { recursive: true, signal });
      watcher.on('change', (event) => event === 'rename' && watcher.close());
      // A directory that is gone before it can be watched says nothing.
      watcher.on('error', () => watcher.close());
      watcher.on('close', () => resolve());
    });
  };

  async files(): Promise<TargetFile[]> {
    const entries = readdirSync(this.path, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name))
      .flatMap((path) => {
        const found = statSync(path, { throwIfNoEntry: false });
        return found ? { path, id: String(found.ino) } : [];
      });
  }

  async idOf(path: string): Promise<string | undefined> {
    const found = statSync(path, { throwIfNoEntry: false });
    return found && String(found.ino);
  }

  async openFiles(): Promise<OpenFile[]> {
    return [];
  }

  async fetch(path: string, to: string): Promise<void> {
    copyFileSync(path, to);
  }

  async fetchAll(to: string): Promise<string[]> {
    cpSync(this.path, to, { recursive: true });
    return [];
  }

  async remove(): Promise<void> {
    if (existsSync(this.path)) rmSync(this.path, { recursive: true });
  }

  close(): void {}
}
