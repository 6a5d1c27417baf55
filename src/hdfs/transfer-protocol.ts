/**
 * The operations of a DataNode's transfer port. Source: Hadoop 3.4.1, `datatransfer.proto`,
 * `DataTransferProtocol`, in its own names.
 *
 *   operation => version opcode request          one per connection
 *     version => INT16 (big-endian) 28
 *     opcode  => INT8
 *     request => delimited message of the operation
 *   answer    => delimited BlockOpResponseProto
 */
import {
  bool,
  bytes,
  integer,
  type Message,
  message,
  optional,
  ProtoWriter,
  repeated,
  required,
  string,
} from '../bytes/protobuf.ts';
import { extendedBlockProto } from './common-messages.ts';

const version = 28;
/** No answer is longer. */
export const maxAnswerBytes: number = 1 << 20;

/** `BlockConstructionStage`, as far as it is sent. */
export const stages = {
  setupAppend: 0,
  setupAppendRecovery: 1,
  streamingRecovery: 3,
  closeRecovery: 5,
  setupCreate: 6,
} as const;

const baseHeaderProto = message('BaseHeaderProto', {
  block: required(1, extendedBlockProto),
  token: optional(2, bytes),
});

const clientOperationHeaderProto = message('ClientOperationHeaderProto', {
  baseHeader: required(1, baseHeaderProto),
  clientName: required(2, string),
});

const checksumProto = message('ChecksumProto', {
  type: required(1, integer),
  bytesPerChecksum: required(2, integer),
});

const cachingStrategyProto = message('CachingStrategyProto', {
  dropBehind: optional(1, bool),
  readahead: optional(2, integer),
});

const opWriteBlockProto = message('OpWriteBlockProto', {
  header: required(1, clientOperationHeaderProto),
  /** Of the pipeline, all but the one that is talked to. */
  targets: repeated(2, bytes),
  stage: required(4, integer),
  pipelineSize: required(5, integer),
  minBytesRcvd: required(6, integer),
  maxBytesRcvd: required(7, integer),
  latestGenerationStamp: required(8, integer),
  requestedChecksum: required(9, checksumProto),
  cachingStrategy: optional(10, cachingStrategyProto),
  storageType: optional(11, integer),
  targetStorageTypes: repeated(12, integer),
  allowLazyPersist: optional(13, bool),
  pinning: optional(14, bool),
  storageId: optional(16, string),
  targetStorageIds: repeated(17, string),
});

const opReadBlockProto = message('OpReadBlockProto', {
  header: required(1, clientOperationHeaderProto),
  offset: required(2, integer),
  len: required(3, integer),
  sendChecksums: optional(4, bool),
  cachingStrategy: optional(5, cachingStrategyProto),
});

const opTransferBlockProto = message('OpTransferBlockProto', {
  header: required(1, clientOperationHeaderProto),
  targets: repeated(2, bytes),
  targetStorageTypes: repeated(3, integer),
  targetStorageIds: repeated(4, string),
});

export const blockOpResponseProto = message('BlockOpResponseProto', {
  status: required(1, integer),
  firstBadLink: optional(2, string),
  readOpChecksumInfo: optional(
    4,
    message('ReadOpChecksumInfoProto', {
      checksum: required(1, checksumProto),
      chunkOffset: required(2, integer),
    }),
  ),
  message: optional(5, string),
});

export const clientReadStatusProto = message('ClientReadStatusProto', {
  status: required(1, integer),
});

export interface Operation<Request> {
  readonly opcode: number;
  readonly request: Message<Request>;
}

export const writeBlock = { opcode: 80, request: opWriteBlockProto };
export const readBlock = { opcode: 81, request: opReadBlockProto };
export const transferBlock = { opcode: 86, request: opTransferBlockProto };

export function encodeOperation<Request>(
  { opcode, request }: Operation<Request>,
  value: Request,
): Buffer {
  return Buffer.concat([Buffer.from([0, version, opcode]), delimited(request.encode(value))]);
}

/** A message behind its length. */
export function delimited(encoded: Buffer): Buffer {
  const writer = new ProtoWriter();
  writer.delimited(encoded);
  return writer.take();
}
