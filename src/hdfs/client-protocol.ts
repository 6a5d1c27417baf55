/**
 * The calls of the NameNode that this client makes. Source: Hadoop 3.4.1,
 * `ClientNamenodeProtocol.proto`, in its own names.
 *
 * An *idempotent* call may be sent again at will. One that is *at most once* may be sent again only
 * under the same client id and call id, with a higher retry count: the NameNodes keep its result.
 */
import {
  bool,
  bytes,
  type Decoded,
  integer,
  type Message,
  message,
  optional,
  repeated,
  required,
  string,
  zigzag,
} from '../bytes/protobuf.ts';
import {
  datanodeIdProto,
  datanodeInfoProto,
  directoryListingProto,
  extendedBlockProto,
  fsPermissionProto,
  fsServerDefaultsProto,
  hdfsFileStatusProto,
  locatedBlockProto,
  locatedBlocksProto,
} from './common-messages.ts';

/** A call: its name on the wire, and the messages that go out and come back. */
export interface Method<Request, Response> {
  readonly name: string;
  readonly protocol: string;
  readonly request: Message<Request>;
  readonly response: Message<Response>;
}

export type RequestOf<M> = M extends Method<infer Request, unknown> ? Request : never;
export type ResponseOf<M> = M extends { readonly response: Message<unknown> }
  ? Decoded<M['response']>
  : never;

export const clientProtocolName = 'org.apache.hadoop.hdfs.protocol.ClientProtocol';
export const datanodeProtocolName = 'org.apache.hadoop.hdfs.protocol.ClientDatanodeProtocol';

function method<Request, Response>(
  name: string,
  request: Message<Request>,
  response: Message<Response>,
  protocol = clientProtocolName,
): Method<Request, Response> {
  return { name, protocol, request, response };
}

const nothing = (name: string) => message(name, {});
const result = (name: string) => message(name, { result: required(1, bool) });

export const getServerDefaults = method(
  'getServerDefaults',
  nothing('GetServerDefaultsRequestProto'),
  message('GetServerDefaultsResponseProto', { serverDefaults: required(1, fsServerDefaultsProto) }),
);

/** Without `fs`: there is no such file. */
export const getFileInfo = method(
  'getFileInfo',
  message('GetFileInfoRequestProto', { src: required(1, string) }),
  message('GetFileInfoResponseProto', { fs: optional(1, hdfsFileStatusProto) }),
);

export const isFileClosed = method(
  'isFileClosed',
  message('IsFileClosedRequestProto', { src: required(1, string) }),
  result('IsFileClosedResponseProto'),
);

export const getBlockLocations = method(
  'getBlockLocations',
  message('GetBlockLocationsRequestProto', {
    src: required(1, string),
    offset: required(2, integer),
    length: required(3, integer),
  }),
  message('GetBlockLocationsResponseProto', { locations: optional(1, locatedBlocksProto) }),
);

export const getListing = method(
  'getListing',
  message('GetListingRequestProto', {
    src: required(1, string),
    startAfter: required(2, bytes),
    needLocation: required(3, bool),
  }),
  message('GetListingResponseProto', { dirList: optional(1, directoryListingProto) }),
);

/** Bits of `createFlag` and of `append`'s `flag`. */
export const createFlags = {
  create: 1,
  overwrite: 2,
  append: 4,
  newBlock: 32,
  shouldReplicate: 128,
} as const;

/** At most once. */
export const create = method(
  'create',
  message('CreateRequestProto', {
    src: required(1, string),
    masked: required(2, fsPermissionProto),
    clientName: required(3, string),
    createFlag: required(4, integer),
    createParent: required(5, bool),
    replication: required(6, integer),
    blockSize: required(7, integer),
    cryptoProtocolVersion: repeated(8, integer),
    unmasked: optional(9, fsPermissionProto),
  }),
  message('CreateResponseProto', { fs: optional(1, hdfsFileStatusProto) }),
);

/** At most once. Without `block`: the file is empty, or its last block is full. */
export const append = method(
  'append',
  message('AppendRequestProto', {
    src: required(1, string),
    clientName: required(2, string),
    flag: optional(3, integer),
  }),
  message('AppendResponseProto', {
    block: optional(1, locatedBlockProto),
    stat: optional(2, hdfsFileStatusProto),
  }),
);

export const addBlock = method(
  'addBlock',
  message('AddBlockRequestProto', {
    src: required(1, string),
    clientName: required(2, string),
    previous: optional(3, extendedBlockProto),
    excludeNodes: repeated(4, bytes),
    fileId: optional(5, integer),
  }),
  message('AddBlockResponseProto', { block: required(1, locatedBlockProto) }),
);

export const getAdditionalDatanode = method(
  'getAdditionalDatanode',
  message('GetAdditionalDatanodeRequestProto', {
    src: required(1, string),
    blk: required(2, extendedBlockProto),
    existings: repeated(3, bytes),
    excludes: repeated(4, bytes),
    numAdditionalNodes: required(5, integer),
    clientName: required(6, string),
    existingStorageUuids: repeated(7, string),
    fileId: optional(8, integer),
  }),
  message('GetAdditionalDatanodeResponseProto', { block: required(1, locatedBlockProto) }),
);

export const updateBlockForPipeline = method(
  'updateBlockForPipeline',
  message('UpdateBlockForPipelineRequestProto', {
    block: required(1, extendedBlockProto),
    clientName: required(2, string),
  }),
  message('UpdateBlockForPipelineResponseProto', { block: required(1, locatedBlockProto) }),
);

/** At most once. */
export const updatePipeline = method(
  'updatePipeline',
  message('UpdatePipelineRequestProto', {
    clientName: required(1, string),
    oldBlock: required(2, extendedBlockProto),
    newBlock: required(3, extendedBlockProto),
    newNodes: repeated(4, datanodeIdProto),
    storageIDs: repeated(5, string),
  }),
  nothing('UpdatePipelineResponseProto'),
);

export const abandonBlock = method(
  'abandonBlock',
  message('AbandonBlockRequestProto', {
    b: required(1, extendedBlockProto),
    src: required(2, string),
    holder: required(3, string),
    fileId: optional(4, integer),
  }),
  nothing('AbandonBlockResponseProto'),
);

/** False: the last block has not been reported by enough DataNodes yet. */
export const complete = method(
  'complete',
  message('CompleteRequestProto', {
    src: required(1, string),
    clientName: required(2, string),
    last: optional(3, extendedBlockProto),
    fileId: optional(4, integer),
  }),
  result('CompleteResponseProto'),
);

export const fsync = method(
  'fsync',
  message('FsyncRequestProto', {
    src: required(1, string),
    client: required(2, string),
    lastBlockLength: optional(3, zigzag),
    fileId: optional(4, integer),
  }),
  nothing('FsyncResponseProto'),
);

export const reportBadBlocks = method(
  'reportBadBlocks',
  message('ReportBadBlocksRequestProto', { blocks: repeated(1, locatedBlockProto) }),
  nothing('ReportBadBlocksResponseProto'),
);

export const renewLease = method(
  'renewLease',
  message('RenewLeaseRequestProto', {
    clientName: required(1, string),
    namespaces: repeated(2, string),
  }),
  nothing('RenewLeaseResponseProto'),
);

/** True: the file is closed. */
export const recoverLease = method(
  'recoverLease',
  message('RecoverLeaseRequestProto', {
    src: required(1, string),
    clientName: required(2, string),
  }),
  result('RecoverLeaseResponseProto'),
);

/** True: done. False: the last block is being cut. */
export const truncate = method(
  'truncate',
  message('TruncateRequestProto', {
    src: required(1, string),
    newLength: required(2, integer),
    clientName: required(3, string),
  }),
  result('TruncateResponseProto'),
);

/** At most once. */
export const rename2 = method(
  'rename2',
  message('Rename2RequestProto', {
    src: required(1, string),
    dst: required(2, string),
    overwriteDest: required(3, bool),
  }),
  nothing('Rename2ResponseProto'),
);

/** At most once. `delete` is a word of the language. */
export const deletePath = method(
  'delete',
  message('DeleteRequestProto', { src: required(1, string), recursive: required(2, bool) }),
  result('DeleteResponseProto'),
);

export const mkdirs = method(
  'mkdirs',
  message('MkdirsRequestProto', {
    src: required(1, string),
    masked: required(2, fsPermissionProto),
    createParent: required(3, bool),
    unmasked: optional(4, fsPermissionProto),
  }),
  result('MkdirsResponseProto'),
);

export const setReplication = method(
  'setReplication',
  message('SetReplicationRequestProto', {
    src: required(1, string),
    replication: required(2, integer),
  }),
  result('SetReplicationResponseProto'),
);

export const setPermission = method(
  'setPermission',
  message('SetPermissionRequestProto', {
    src: required(1, string),
    permission: required(2, fsPermissionProto),
  }),
  nothing('SetPermissionResponseProto'),
);

/** `DatanodeReportTypeProto` */
export const datanodeReportTypes = { all: 1, live: 2, dead: 3 } as const;

export const getDatanodeReport = method(
  'getDatanodeReport',
  message('GetDatanodeReportRequestProto', { type: required(1, integer) }),
  message('GetDatanodeReportResponseProto', { di: repeated(1, datanodeInfoProto) }),
);

/** `SafeModeActionProto` */
export const safeModeActions = { leave: 1, enter: 2, get: 3 } as const;

export const setSafeMode = method(
  'setSafeMode',
  message('SetSafeModeRequestProto', { action: required(1, integer), checked: optional(2, bool) }),
  result('SetSafeModeResponseProto'),
);

/** A call of a DataNode's IPC port. */
export const getReplicaVisibleLength = method(
  'getReplicaVisibleLength',
  message('GetReplicaVisibleLengthRequestProto', { block: required(1, extendedBlockProto) }),
  message('GetReplicaVisibleLengthResponseProto', { length: required(1, integer) }),
  datanodeProtocolName,
);
