/**
 * Packets carry the data of a block, and acks what became of them. Source: Hadoop 3.4.1,
 * `datatransfer.proto`, `PacketHeader`, `PipelineAck`. Integers are big-endian, but those of
 * protocol buffers.
 *
 *   packet => payload_length header_length header checksums data
 *     payload_length => INT32      4 + the bytes of checksums and data
 *     header_length  => INT16
 *     header         => PacketHeaderProto: all of its fields have a fixed width
 *       offsetInBlock     => 09 INT64 (little-endian)
 *       seqno             => 11 INT64 (little-endian)
 *       lastPacketInBlock => 18 BOOL
 *       dataLen           => 25 INT32 (little-endian)
 *       syncBlock         => 28 BOOL, written only when true
 *     checksums      => INT32 for each chunk of the data
 *   ack    => delimited PipelineAckProto
 *     seqno => zigzag; reply => status, one per DataNode; flag => packed, one per DataNode
 */
import { integer, message, ProtoReader, repeated, required, unzigzag } from '../bytes/protobuf.ts';
import { FormatError } from '../core/errors.ts';
import type { Checksums } from './checksums.ts';

/** The two lengths before a header. */
export const packetLengthBytes = 6;
/** What Java keeps free for lengths and header when it divides a packet into chunks. */
export const maxPacketHeadBytes = 33;
/** `dfs.data.transfer.max.packet.size` */
const maxPacketBytes = 16 << 20;
const headerBytes = 25;
const syncHeaderBytes = headerBytes + 2;
/** Of packets that only keep a connection alive. */
export const heartbeatSeqno = -1;
const two32 = 2 ** 32;

export interface Packet {
  /** Where its data begins in the block; of the last packet: the block's length. */
  readonly offset: number;
  readonly length: number;
  readonly seqno: number;
  /** The end of the block; it has no data. */
  readonly last: boolean;
  /** Each DataNode syncs the block before it acknowledges. */
  readonly sync: boolean;
  /** Lengths, header and checksums. */
  readonly head: Buffer;
  /** The data: the writer's own buffers. */
  readonly views: readonly Buffer[];
}

export interface PacketFields {
  readonly offset: number;
  readonly seqno: number;
  readonly last?: boolean;
  readonly sync?: boolean;
  readonly views?: readonly Buffer[];
}

/**
 * A packet around views of somebody's buffers. Its data begins with a chunk, or is part of a single
 * one.
 */
export function packetOf(fields: PacketFields, checksums: Checksums): Packet {
  const { offset, seqno, last = false, sync = false, views = [] } = fields;
  let length = 0;
  for (const view of views) length += view.length;
  const sums = checksums.sizeOf(length);
  const header = sync ? syncHeaderBytes : headerBytes;
  const head = Buffer.allocUnsafe(packetLengthBytes + header + sums);
  head.writeInt32BE(4 + sums + length, 0);
  head.writeInt16BE(header, 4);
  head[6] = 0x09;
  writeLong(head, offset, 7);
  head[15] = 0x11;
  writeLong(head, seqno, 16);
  head[24] = 0x18;
  head[25] = last ? 1 : 0;
  head[26] = 0x25;
  head.writeInt32LE(length, 27);
  if (sync) head.writeUInt16BE(0x2801, 31);
  checksums.write(views, head, packetLengthBytes + header);
  return { offset, length, seqno, last, sync, head, views };
}

/** A long whose value fits into a number. */
function writeLong(output: Buffer, value: number, at: number): void {
  const high = Math.floor(value / two32);
  output.writeUInt32LE(value - high * two32, at);
  output.writeInt32LE(high, at + 4);
}

export interface PacketLengths {
  readonly headerLength: number;
  /** Of checksums and data together. */
  readonly bodyLength: number;
}

/** @param input the `packetLengthBytes` before a header */
export function decodePacketLengths(input: Buffer): PacketLengths {
  const payload = input.readInt32BE(0);
  const headerLength = input.readInt16BE(4);
  if (payload < 4 || payload > maxPacketBytes) throw new FormatError(`a packet of ${payload}`, 0);
  if (headerLength < 1 || headerLength > 1_000) {
    throw new FormatError(`a packet header of ${headerLength} bytes`, 4);
  }
  return { headerLength, bodyLength: payload - 4 };
}

export interface PacketHeader {
  readonly offset: number;
  readonly seqno: number;
  readonly last: boolean;
  readonly length: number;
}

/** The header of a packet that a DataNode sent. */
export function decodePacketHeader(input: Buffer): PacketHeader {
  const reader = new ProtoReader(input);
  let offset = Number.NaN;
  let seqno = Number.NaN;
  let last: boolean | undefined;
  let length = Number.NaN;
  while (reader.left > 0) {
    const key = reader.key();
    if (key === 0x09) offset = readLong(reader.view(8));
    else if (key === 0x11) seqno = readLong(reader.view(8));
    else if (key === 0x18) last = reader.varint() !== 0;
    else if (key === 0x25) length = reader.view(4).readInt32LE(0);
    else reader.skip(key % 8);
  }
  if (!(offset >= 0 && length >= 0) || Number.isNaN(seqno) || last === undefined) {
    throw new FormatError('a packet header lacks fields', reader.offset);
  }
  return { offset, seqno, last, length };
}

function readLong(input: Buffer): number {
  const value = input.readInt32LE(4) * two32 + input.readUInt32LE(0);
  if (!Number.isSafeInteger(value)) throw new FormatError('a number of more than 53 bits', 0);
  return value;
}

/** `Status` */
export const transferStatus = {
  success: 0,
  error: 1,
  errorAccessToken: 5,
  checksumOk: 6,
  restart: 8,
} as const;

const pipelineAckProto = message('PipelineAckProto', {
  seqno: required(1, integer),
  reply: repeated(2, integer),
  flag: repeated(4, integer),
});

export interface Ack {
  readonly seqno: number;
  /** Of each DataNode of the pipeline, in its order; may be shorter after a failure. */
  readonly statuses: readonly number[];
}

export function decodeAck(input: Buffer): Ack {
  const { seqno, reply, flag } = pipelineAckProto.decode(input);
  // The low bits of a flag are a status, and win over the reply.
  const statuses = flag.length > 0 ? flag.map((bits) => bits & 0xf) : reply;
  return { seqno: unzigzag(seqno), statuses };
}
