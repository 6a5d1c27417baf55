import type { Clock } from '../core/clock.ts';
import { ConnectionError, FormatError, MillraceError } from '../core/errors.ts';
import { Checksums } from './checksums.ts';
import type { LocatedBlock } from './common-messages.ts';
import type { HdfsConfig } from './config.ts';
import { type Datanode, startTransfer, type Transfer } from './datanodes.ts';
import {
  decodePacketHeader,
  decodePacketLengths,
  packetLengthBytes,
  transferStatus,
} from './packets.ts';
import { clientReadStatusProto, delimited, readBlock } from './transfer-protocol.ts';

/** A replica is not what its checksums say. */
export class ChecksumError extends MillraceError {
  readonly code = 'HDFS_CHECKSUM';
  /** Another replica may be whole. */
  readonly retryable = true;
}

export interface BlockRange {
  readonly located: LocatedBlock;
  /** Of the first byte in the block. */
  readonly offset: number;
  readonly length: number;
}

export interface ReadContext {
  readonly config: HdfsConfig;
  readonly clock: Clock;
  readonly clientName: string;
}

/**
 * Part of a block from one of its replicas, every chunk verified before it is given. Source: Hadoop
 * 3.4.1, `BlockReaderRemote`, `BlockSender`: data begins with the chunk that holds the first byte
 * and ends with the one that holds the last; an empty packet follows.
 *
 * @throws ConnectionError, ChecksumError, FormatError
 */
export async function* readReplica(
  context: ReadContext,
  datanode: Datanode,
  range: BlockRange,
): AsyncGenerator<Buffer> {
  const { config, clock, clientName } = context;
  const { located, offset, length } = range;
  const request = {
    header: { baseHeader: { block: located.b, token: located.blockToken }, clientName },
    offset,
    len: length,
    sendChecksums: true,
    cachingStrategy: {},
  };
  const limits = { config, clock, answerMs: config.socketTimeoutMs };
  const transfer = await startTransfer(datanode, readBlock, request, limits);
  const { socket, reader, answer } = transfer;
  const onTimeout = () => {
    const { bytesRead } = socket;
    // After a pause of this process data may be there, only not read yet.
    void clock.turn().then(() => {
      if (!reader.waiting || socket.bytesRead > bytesRead) return;
      reader.fail(new ConnectionError(`${datanode.name} sent nothing for long`));
    });
  };
  socket.setTimeout(config.socketTimeoutMs, onTimeout);
  try {
    if (answer.status !== transferStatus.success || !answer.readOpChecksumInfo) {
      const why = answer.message ?? `status ${answer.status}`;
      throw new ConnectionError(`${datanode.name} did not send a block: ${why}`);
    }
    yield* readPackets(transfer, datanode, range);
    const status = clientReadStatusProto.encode({ status: transferStatus.checksumOk });
    socket.end(delimited(status));
  } finally {
    socket.setTimeout(0);
    if (!socket.writableEnded) socket.destroy();
  }
}

async function* readPackets(
  { reader, answer }: Transfer,
  datanode: Datanode,
  { located, offset, length }: BlockRange,
): AsyncGenerator<Buffer> {
  const info = answer.readOpChecksumInfo;
  const checksums = new Checksums(info?.checksum.type ?? 0, info?.checksum.bytesPerChecksum ?? 0);
  let at = info?.chunkOffset ?? 0;
  const end = offset + length;
  for (;;) {
    const lengths = decodePacketLengths(await reader.bytes(packetLengthBytes));
    const header = decodePacketHeader(await reader.bytes(lengths.headerLength));
    const sumBytes = lengths.bodyLength - header.length;
    if (header.length > 0 && header.offset !== at) {
      throw new FormatError(`${datanode.name} sent a packet out of order`, at);
    }
    if (sumBytes !== checksums.sizeOf(header.length)) {
      throw new FormatError(`${datanode.name} sent a packet with ${sumBytes} bytes of sums`, at);
    }
    const sums = await reader.bytes(sumBytes);
    const views = await reader.views(header.length);
    if (!checksums.verify(views, sums)) {
      throw new ChecksumError(`block ${located.b.blockId} is damaged on ${datanode.name}`);
    }
    for (const view of views) {
      const wanted = view.subarray(Math.max(0, offset - at), Math.max(0, end - at));
      at += view.length;
      if (wanted.length > 0) yield wanted;
    }
    if (header.last) break;
  }
  if (at < end) throw new FormatError(`${datanode.name} sent too little of a block`, at);
}
