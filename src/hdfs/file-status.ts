import { fileTypes, type HdfsFileStatus } from './common-messages.ts';
import { RemoteError, UnsupportedError } from './errors.ts';

export interface FileStatus {
  readonly path: string;
  readonly type: 'file' | 'directory' | 'symlink';
  /** Of a file that is being written: what the NameNode knows of it. */
  readonly length: number;
  /** The permission bits: 0o644. */
  readonly permission: number;
  readonly owner: string;
  readonly group: string;
  /** Milliseconds since 1970. */
  readonly modifiedAt: number;
  readonly accessedAt: number;
  readonly replication: number;
  readonly blockSize: number;
  /** Stays the same when the file is renamed; 0 when the server has none. */
  readonly fileId: number;
  readonly isEncrypted: boolean;
  readonly isErasureCoded: boolean;
}

export function statusOf(status: HdfsFileStatus, parent: string): FileStatus {
  const name = status.path.toString('utf8');
  const separator = parent.endsWith('/') ? '' : '/';
  return {
    path: name === '' ? parent : `${parent}${separator}${name}`,
    type: typeOf(status.fileType),
    length: status.length,
    permission: status.permission.perm,
    owner: status.owner,
    group: status.group,
    modifiedAt: status.modificationTime,
    accessedAt: status.accessTime,
    replication: status.blockReplication ?? 0,
    blockSize: status.blocksize ?? 0,
    fileId: status.fileId ?? 0,
    isEncrypted: status.fileEncryptionInfo !== undefined,
    isErasureCoded: status.ecPolicy !== undefined,
  };
}

/** Why the file can't be written or read by this client. */
export function unsupported(status: HdfsFileStatus, path: string): UnsupportedError | undefined {
  if (status.fileEncryptionInfo) return new UnsupportedError(`${path}: lies in an encryption zone`);
  if (status.ecPolicy) return new UnsupportedError(`${path}: is erasure-coded`);
  return undefined;
}

function typeOf(fileType: number): FileStatus['type'] {
  if (fileType === fileTypes.directory) return 'directory';
  return fileType === fileTypes.symlink ? 'symlink' : 'file';
}

/**
 * A path as the NameNode takes it.
 *
 * @throws TypeError when it is not absolute, or has a part that is `.` or `..`
 */
export function checkedPath(path: string): string {
  const parts = path.split('/').filter((part) => part !== '');
  if (!path.startsWith('/') || parts.some((part) => part === '.' || part === '..')) {
    throw new TypeError(`a path of HDFS must be absolute and without . and ..: ${path}`);
  }
  return `/${parts.join('/')}`;
}

/** As the NameNode would say it: some of its calls answer with nothing instead. */
export function notFound(what: string, path: string): RemoteError {
  const problem = `File does not exist: ${path}`;
  return new RemoteError(what, 'the NameNode', 'java.io.FileNotFoundException', problem);
}
