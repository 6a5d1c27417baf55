/** `millrace/hdfs`: a client of HDFS without Java. */
export { ChecksumError } from './block-reader.ts';
export {
  type AppendOptions,
  type CreateOptions,
  type DatanodeReport,
  HdfsClient,
  type HdfsOptions,
  type ReadOptions,
  type ServerDefaults,
  type WaitOptions,
  type WriteOptions,
} from './client.ts';
export { isRemote, RemoteError, UnsupportedError } from './errors.ts';
export type { FileStatus } from './file-status.ts';
export type { FlushOptions, HdfsFileWriter } from './file-writer.ts';
