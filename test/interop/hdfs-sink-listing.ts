/** What a sink has written, in a form that is the same for two agents. */
import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type HdfsClient, isRemote } from '../../src/hdfs/index.ts';

export interface WrittenFile {
  readonly path: string;
  /** Its path with `<n>` for a number of 13 digits. */
  readonly pattern: string;
  /** Rights, owner, replicas and block size; what there is of it. */
  readonly attributes: string;
  readonly content: Buffer;
}

export interface Listing {
  /** By pattern, and by number where that is the same. */
  readonly files: readonly WrittenFile[];
  readonly folders: readonly string[];
}

/** A tree that is renamed in all the time. */
const maxTries = 20;

/** Of everything below a directory of HDFS. */
export async function listingOf(hdfs: HdfsClient, root: string): Promise<Listing> {
  for (let tries = 1; ; tries++) {
    try {
      return await readTree(hdfs, root);
    } catch (error) {
      // A file got its final name after it was listed.
      if (tries === maxTries || !isRemote(error, 'FileNotFoundException')) throw error;
    }
  }
}

async function readTree(hdfs: HdfsClient, root: string): Promise<Listing> {
  const files: WrittenFile[] = [];
  const folders: string[] = [];
  const left = (await hdfs.stat(root)) ? [root] : [];
  for (let folder = left.pop(); folder !== undefined; folder = left.pop()) {
    for await (const { path, type, ...status } of hdfs.list(folder)) {
      const rights = `${status.permission.toString(8)} ${status.owner}:${status.group}`;
      const pattern = patternOf(path.slice(root.length));
      if (type === 'directory') {
        left.push(path);
        folders.push(`${pattern} ${rights}`);
        continue;
      }
      const attributes = `${rights} ${status.replication} × ${status.blockSize}`;
      files.push({ path, pattern, attributes, content: await hdfs.readFile(path) });
    }
  }
  return sorted({ files, folders });
}

/** Of everything below a local folder, but for Hadoop's checksum files. */
export function localListingOf(root: string): Listing {
  const files: WrittenFile[] = [];
  const folders: string[] = [];
  for (const name of readdirSync(root, { recursive: true, encoding: 'utf8' })) {
    const path = join(root, name);
    const pattern = patternOf(name);
    if (lstatSync(path).isDirectory()) folders.push(pattern);
    else if (!/(^|\/)\.[^/]*\.crc$/.test(name)) {
      files.push({ path, pattern, attributes: '', content: readFileSync(path) });
    }
  }
  return sorted({ files, folders });
}

/** For a comparison that shows what differs. */
export function textOf({ files, folders }: Listing): unknown {
  return {
    folders,
    files: files.map(({ pattern, attributes, content }) => {
      const text = content.toString('latin1');
      const shown = text.length > 4_000 ? `${text.length} bytes ${text.slice(-200)}` : text;
      return `${pattern} ${attributes} ${JSON.stringify(shown)}`;
    }),
  };
}

export function contentOf({ files }: Listing): Buffer {
  return Buffer.concat(files.map(({ content }) => content));
}

/** Times and counters differ from run to run. */
export function patternOf(path: string): string {
  return path.replace(/\d{13}/g, '<n>');
}

function sorted({ files, folders }: Listing): Listing {
  const numberOf = ({ path }: WrittenFile) => Number(/\d{13}/.exec(path.split('/').at(-1) ?? ''));
  const byPattern = (left: WrittenFile, right: WrittenFile) => {
    if (left.pattern !== right.pattern) return left.pattern < right.pattern ? -1 : 1;
    return numberOf(left) - numberOf(right);
  };
  return { files: files.toSorted(byPattern), folders: folders.toSorted() };
}
