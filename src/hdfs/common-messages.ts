/**
 * The messages that calls of the NameNode and operations of DataNodes have in common. Source:
 * Hadoop 3.4.1, `hdfs.proto` and `datatransfer.proto`, in their own field names; fields that this
 * client does not use are left out.
 */
import {
  bool,
  bytes,
  type Decoded,
  identifier,
  integer,
  message,
  optional,
  repeated,
  required,
  string,
} from '../bytes/protobuf.ts';

export const extendedBlockProto = message('ExtendedBlockProto', {
  poolId: required(1, string),
  blockId: required(2, identifier),
  generationStamp: required(3, integer),
  numBytes: optional(4, integer),
});
/** A block: `numBytes` is its length as far as whoever sends it knows. */
export type Block = Decoded<typeof extendedBlockProto>;

export const datanodeIdProto = message('DatanodeIDProto', {
  ipAddr: required(1, string),
  hostName: required(2, string),
  datanodeUuid: required(3, string),
  xferPort: required(4, integer),
  infoPort: required(5, integer),
  ipcPort: required(6, integer),
  infoSecurePort: optional(7, integer),
});
export type DatanodeId = Decoded<typeof datanodeIdProto>;

export const datanodeInfoProto = message('DatanodeInfoProto', {
  id: required(1, datanodeIdProto),
  capacity: optional(2, integer),
  dfsUsed: optional(3, integer),
  remaining: optional(4, integer),
  lastUpdate: optional(6, integer),
  location: optional(8, string),
  adminState: optional(10, integer),
});

/** DataNodes and tokens are bytes here: they are handed on as they came. */
export const locatedBlockProto = message('LocatedBlockProto', {
  b: required(1, extendedBlockProto),
  offset: required(2, integer),
  locs: repeated(3, bytes),
  corrupt: required(4, bool),
  blockToken: required(5, bytes),
  storageTypes: repeated(7, integer),
  storageIDs: repeated(8, string),
  blockIndices: optional(9, bytes),
});
export type LocatedBlock = Decoded<typeof locatedBlockProto>;

export const locatedBlocksProto = message('LocatedBlocksProto', {
  fileLength: required(1, integer),
  blocks: repeated(2, locatedBlockProto),
  underConstruction: required(3, bool),
  lastBlock: optional(4, locatedBlockProto),
  isLastBlockComplete: required(5, bool),
  fileEncryptionInfo: optional(6, bytes),
  ecPolicy: optional(7, bytes),
});
export type LocatedBlocks = Decoded<typeof locatedBlocksProto>;

export const fsPermissionProto = message('FsPermissionProto', { perm: required(1, integer) });

export const hdfsFileStatusProto = message('HdfsFileStatusProto', {
  fileType: required(1, integer),
  path: required(2, bytes),
  length: required(3, integer),
  permission: required(4, fsPermissionProto),
  owner: required(5, string),
  group: required(6, string),
  modificationTime: required(7, integer),
  accessTime: required(8, integer),
  symlink: optional(9, bytes),
  blockReplication: optional(10, integer),
  blocksize: optional(11, integer),
  fileId: optional(13, integer),
  childrenNum: optional(14, integer),
  fileEncryptionInfo: optional(15, bytes),
  ecPolicy: optional(17, bytes),
  namespace: optional(19, string),
});
export type HdfsFileStatus = Decoded<typeof hdfsFileStatusProto>;

export const fsServerDefaultsProto = message('FsServerDefaultsProto', {
  blockSize: required(1, integer),
  bytesPerChecksum: required(2, integer),
  writePacketSize: required(3, integer),
  replication: required(4, integer),
  fileBufferSize: required(5, integer),
  encryptDataTransfer: optional(6, bool),
  trashInterval: optional(7, integer),
  checksumType: optional(8, integer),
  keyProviderUri: optional(9, string),
});

export const directoryListingProto = message('DirectoryListingProto', {
  partialListing: repeated(1, hdfsFileStatusProto),
  remainingEntries: required(2, integer),
});

/** `ChecksumTypeProto` */
export const checksumTypes = { none: 0, crc32: 1, crc32c: 2 } as const;
/** `HdfsFileStatusProto.FileType` */
export const fileTypes = { directory: 1, file: 2, symlink: 3 } as const;
