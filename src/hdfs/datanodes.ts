import type { Socket } from 'node:net';
import type { Decoded } from '../bytes/protobuf.ts';
import type { Clock } from '../core/clock.ts';
import { ConnectionError, FormatError } from '../core/errors.ts';
import { ByteReader } from './byte-reader.ts';
import { type DatanodeId, datanodeInfoProto, type LocatedBlock } from './common-messages.ts';
import type { Address, HdfsConfig } from './config.ts';
import { connectTo } from './rpc-connection.ts';
import {
  blockOpResponseProto,
  encodeOperation,
  maxAnswerBytes,
  type Operation,
} from './transfer-protocol.ts';

export interface Datanode {
  readonly id: DatanodeId;
  /** As it came, to be handed on. */
  readonly info: Buffer;
  /** `127.0.0.1:9866` */
  readonly name: string;
}

/** Where a replica lies or shall lie. */
export interface Target {
  readonly datanode: Datanode;
  readonly storageId: string;
  readonly storageType: number;
}

interface TransferLimits {
  readonly config: HdfsConfig;
  readonly clock: Clock;
  /** How long the answer may take. */
  readonly answerMs: number;
  /** So much is read at once and ahead. */
  readonly slabBytes?: number;
  /** See `ByteReader`. */
  readonly reuses?: boolean;
}

/** For answers and acks. */
const defaultSlabBytes = 16 << 10;
/** `StorageTypeProto.DISK` */
const disk = 1;

export function datanodeOf(info: Buffer): Datanode {
  const { id } = datanodeInfoProto.decode(info);
  return { id, info, name: `${id.ipAddr}:${id.xferPort}` };
}

export function targetsOf(located: LocatedBlock): Target[] {
  return located.locs.map((info, index) => ({
    datanode: datanodeOf(info),
    storageId: located.storageIDs[index] ?? '',
    storageType: located.storageTypes[index] ?? disk,
  }));
}

/** The address of a DataNode's transfer port. */
function transferAddress({ id }: Datanode, useHostname: boolean): Address {
  return { host: useHostname ? id.hostName : id.ipAddr, port: id.xferPort };
}

/** A connection on which an operation was asked for, and its answer. */
export interface Transfer {
  readonly socket: Socket;
  readonly reader: ByteReader;
  readonly answer: Decoded<typeof blockOpResponseProto>;
}

/**
 * Connects to a DataNode's transfer port, sends an operation and waits for its answer.
 *
 * @throws ConnectionError, FormatError
 */
export async function startTransfer<Request>(
  datanode: Datanode,
  operation: Operation<Request>,
  request: Request,
  limits: TransferLimits,
): Promise<Transfer> {
  const { config, clock, answerMs, slabBytes = defaultSlabBytes, reuses } = limits;
  const address = transferAddress(datanode, config.useHostname);
  const reader = new ByteReader(datanode.name, slabBytes, reuses);
  const socket = await connectTo(address, config.socketTimeoutMs, reader.onRead);
  reader.attach(socket);
  const answered = new AbortController();
  const watch = clock.sleep(answerMs, answered.signal).then(async () => {
    if (!answered.signal.aborted) await clock.turn();
    if (answered.signal.aborted) return;
    reader.fail(new ConnectionError(`${datanode.name} did not answer within ${answerMs} ms`));
  });
  try {
    socket.write(encodeOperation(operation, request));
    const answer = blockOpResponseProto.decode(await reader.delimited(maxAnswerBytes));
    return { socket, reader, answer };
  } catch (error) {
    socket.destroy();
    throw error instanceof FormatError
      ? new ConnectionError(`${datanode.name} sent what is no answer`, { cause: error })
      : error;
  } finally {
    answered.abort();
    await watch;
  }
}
