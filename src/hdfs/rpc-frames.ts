/**
 * The messages of Hadoop RPC, version 9. Source: Hadoop 3.4.1, `RpcHeader.proto` and
 * `ProtobufRpcEngine2`. Lengths of frames are big-endian; "delimited" is a message behind its
 * length as a varint.
 *
 *   connection => "hrpc" 9 service_class auth_protocol frame*
 *     auth_protocol => 0 (no SASL)
 *   frame      => length header [body]
 *     length   => INT32, of what follows, at most 128 MiB
 *     header   => delimited RpcRequestHeaderProto, or RpcResponseHeaderProto from the server
 *     body     => to the server: delimited RequestHeaderProto, delimited request
 *                 of the connection context: delimited IpcConnectionContextProto
 *                 from the server: delimited response; none when the header tells of an error
 */
import {
  bytes,
  type Decoded,
  integer,
  message,
  optional,
  ProtoReader,
  ProtoWriter,
  required,
  string,
  zigzag,
} from '../bytes/protobuf.ts';
import { FormatError } from '../core/errors.ts';

/** `ipc.maximum.response.length` */
export const maxFrameBytes: number = 128 << 20;

const contextCallId = -3;
const pingCallId = -4;
/** Of messages that are no calls. */
const noRetry = -1;
const protocolBufferKind = 2;
const finalPacket = 0;

const rpcRequestHeaderProto = message('RpcRequestHeaderProto', {
  rpcKind: optional(1, integer),
  rpcOp: optional(2, integer),
  callId: required(3, zigzag),
  clientId: required(4, bytes),
  retryCount: optional(5, zigzag),
});

const requestHeaderProto = message('RequestHeaderProto', {
  methodName: required(1, string),
  declaringClassProtocolName: required(2, string),
  clientProtocolVersion: required(3, integer),
});

const rpcResponseHeaderProto = message('RpcResponseHeaderProto', {
  callId: required(1, integer),
  status: required(2, integer),
  exceptionClassName: optional(4, string),
  errorMsg: optional(5, string),
  errorDetail: optional(6, integer),
});
export type RpcResponseHeader = Decoded<typeof rpcResponseHeaderProto>;

const ipcConnectionContextProto = message('IpcConnectionContextProto', {
  userInfo: optional(
    2,
    message('UserInformationProto', {
      effectiveUser: optional(1, string),
      realUser: optional(2, string),
    }),
  ),
  protocol: optional(3, string),
});

/** `RpcStatusProto`: with `fatal` the server closes the connection. */
export const rpcStatus = { success: 0, error: 1, fatal: 2 } as const;

export interface RpcUser {
  /** Who acts. */
  readonly effectiveUser: string;
  /** Who is logged in, when somebody else acts. */
  readonly realUser?: string | undefined;
}

export interface Call {
  readonly callId: number;
  readonly clientId: Buffer;
  /** 0, then one more each time the same call is sent again. */
  readonly retryCount: number;
  readonly methodName: string;
  readonly protocol: string;
  /** The encoded request. */
  readonly request: Buffer;
}

/** The first bytes of a connection: who speaks, and to which protocol. */
export function encodeOpening(clientId: Buffer, protocol: string, user: RpcUser): Buffer {
  const preamble = Buffer.from([...Buffer.from('hrpc'), 9, 0, 0]);
  const context = ipcConnectionContextProto.encode({ userInfo: user, protocol });
  return Buffer.concat([preamble, frameOf(headerOf(contextCallId, clientId, noRetry), context)]);
}

export function encodeCall(call: Call): Buffer {
  const header = headerOf(call.callId, call.clientId, call.retryCount);
  const requestHeader = requestHeaderProto.encode({
    methodName: call.methodName,
    declaringClassProtocolName: call.protocol,
    clientProtocolVersion: 1,
  });
  return frameOf(header, requestHeader, call.request);
}

/** Tells the server that the client still waits. It is not answered. */
export function encodePing(clientId: Buffer): Buffer {
  return frameOf(headerOf(pingCallId, clientId, noRetry));
}

export interface Response {
  readonly header: RpcResponseHeader;
  /** The encoded response; empty when the header tells of an error. A view. */
  readonly body: Buffer;
}

/** @param frame without its length */
export function decodeResponse(frame: Buffer): Response {
  const reader = new ProtoReader(frame);
  const header = rpcResponseHeaderProto.decode(reader.delimited());
  if (header.status !== rpcStatus.success) return { header, body: Buffer.alloc(0) };
  const body = reader.delimited();
  if (reader.left > 0) throw new FormatError('a response has more than one body', reader.offset);
  return { header, body };
}

function headerOf(callId: number, clientId: Buffer, retryCount: number): Buffer {
  return rpcRequestHeaderProto.encode({
    rpcKind: protocolBufferKind,
    rpcOp: finalPacket,
    callId,
    clientId,
    retryCount,
  });
}

function frameOf(...parts: readonly Buffer[]): Buffer {
  const writer = new ProtoWriter();
  for (const part of parts) writer.delimited(part);
  const body = writer.take();
  const frame = Buffer.allocUnsafe(4 + body.length);
  frame.writeInt32BE(body.length, 0);
  body.copy(frame, 4);
  return frame;
}
