import type { Clock } from '../core/clock.ts';
import { ConnectionError, FormatError, MillraceError } from '../core/errors.ts';
import { Checksums } from './checksums.ts';
import type { LocatedBlock } from './common-messages.ts';
import type { HdfsConfig } from './config.ts';
import { type Datanode, startTransfer, type Transfer } from './datanodes.ts';
import {
  decodePacketHeader,
  decodePacketLengths,
  type PacketHeader,
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
  /** Are the bytes that are given good only until the next are asked for? */
  readonly reuses: boolean;
}

/** Of one connection: libuv reads up to 32 of them in one turn of the loop. */
const slabBytes = 128 << 10;

/**
 * Reads part of a block from one of its replicas; every chunk is verified before it is given.
 * Source: Hadoop 3.4.1, `BlockReaderRemote`, `BlockSender`: data begins with the chunk that holds
 * the first byte and ends with the one that holds the last; an empty packet follows.
 */
export class ReplicaReader {
  readonly #transfer: Transfer;
  readonly #name: string;
  readonly #checksums: Checksums;
  readonly #from: number;
  readonly #to: number;
  /** Where the next packet begins in the block. */
  #at: number;

  private constructor(transfer: Transfer, name: string, range: BlockRange) {
    const info = transfer.answer.readOpChecksumInfo;
    const { type = 0, bytesPerChecksum = 0 } = info?.checksum ?? {};
    this.#transfer = transfer;
    this.#name = name;
    this.#checksums = new Checksums(type, bytesPerChecksum);
    this.#from = range.offset;
    this.#to = range.offset + range.length;
    this.#at = info?.chunkOffset ?? 0;
  }

  /** @throws ConnectionError, UnsupportedError */
  static async open(
    context: ReadContext,
    datanode: Datanode,
    range: BlockRange,
  ): Promise<ReplicaReader> {
    const { config, clock, clientName, reuses } = context;
    const { located, offset, length } = range;
    const request = {
      header: { baseHeader: { block: located.b, token: located.blockToken }, clientName },
      offset,
      len: length,
      sendChecksums: true,
      cachingStrategy: {},
    };
    const limits = { config, clock, answerMs: config.socketTimeoutMs, slabBytes, reuses };
    const transfer = await startTransfer(datanode, readBlock, request, limits);
    const { socket, reader, answer } = transfer;
    if (answer.status !== transferStatus.success) {
      socket.destroy();
      const why = answer.message ?? `status ${answer.status}`;
      throw new ConnectionError(`${datanode.name} did not send a block: ${why}`);
    }
    socket.setTimeout(config.socketTimeoutMs, () => {
      const { bytesRead } = socket;
      // After a pause of this process data may be there, only not read yet.
      void clock.turn().then(() => {
        if (!reader.waiting || socket.bytesRead > bytesRead) return;
        reader.fail(new ConnectionError(`${datanode.name} sent nothing for long`));
      });
    });
    return new ReplicaReader(transfer, datanode.name, range);
  }

  /**
   * The next bytes, as views of what was received; undefined when all were given.
   *
   * @throws ConnectionError, ChecksumError, FormatError
   */
  async next(): Promise<readonly Buffer[] | undefined> {
    const { reader, socket } = this.#transfer;
    reader.release();
    await reader.need(packetLengthBytes);
    const lengths = decodePacketLengths(reader.take(packetLengthBytes));
    await reader.need(lengths.headerLength + lengths.bodyLength);
    const header = decodePacketHeader(reader.take(lengths.headerLength));
    const sumBytes = this.#checked(header, lengths.bodyLength);
    const sums = reader.take(sumBytes);
    const views = reader.takeViews(header.length);
    if (!this.#checksums.verify(views, sums)) {
      throw new ChecksumError(`a replica on ${this.#name} is damaged near byte ${this.#at}`);
    }
    if (!header.last) return this.#wanted(views);
    if (this.#at < this.#to) throw new FormatError(`${this.#name} sent too little`, this.#at);
    socket.end(delimited(clientReadStatusProto.encode({ status: transferStatus.checksumOk })));
    return undefined;
  }

  close(): void {
    const { socket } = this.#transfer;
    socket.setTimeout(0);
    if (!socket.writableEnded) socket.destroy();
  }

  /** How many bytes of checksums there are. */
  #checked({ offset, length }: PacketHeader, bodyLength: number): number {
    const sumBytes = bodyLength - length;
    if (length > 0 && offset !== this.#at) {
      throw new FormatError(`${this.#name} sent a packet out of order`, this.#at);
    }
    if (sumBytes !== this.#checksums.sizeOf(length)) {
      throw new FormatError(`${this.#name} sent ${sumBytes} bytes of checksums`, this.#at);
    }
    return sumBytes;
  }

  /** Without what lies before and behind the part that was asked for. */
  #wanted(views: readonly Buffer[]): Buffer[] {
    const wanted: Buffer[] = [];
    for (const view of views) {
      const from = Math.max(0, this.#from - this.#at);
      const part = view.subarray(from, Math.max(from, this.#to - this.#at));
      this.#at += view.length;
      if (part.length > 0) wanted.push(part);
    }
    return wanted;
  }
}
