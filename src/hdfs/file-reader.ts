import { ConnectionError, FormatError } from '../core/errors.ts';
import { ChecksumError, type ReadContext, ReplicaReader } from './block-reader.ts';
import {
  datanodeProtocolName,
  getBlockLocations,
  getReplicaVisibleLength,
  reportBadBlocks,
} from './client-protocol.ts';
import type { LocatedBlock, LocatedBlocks } from './common-messages.ts';
import { type Datanode, datanodeOf } from './datanodes.ts';
import { isRemote, UnsupportedError } from './errors.ts';
import { notFound } from './file-status.ts';
import type { NameNodes } from './namenodes.ts';
import { RpcConnection } from './rpc-connection.ts';

/** Blocks of this much of a file are asked for at once. */
const prefetchBytes = 2 ** 31;
const maxRounds = 4;
const roundMs = 1_000;

export interface FileReadContext extends ReadContext {
  readonly nameNodes: NameNodes;
  readonly path: string;
  /** Of this client, for connections of its own. */
  readonly clientId: Buffer;
  /** Rejects when the cluster wants of its readers what this client does not do. */
  readonly ready: () => Promise<unknown>;
}

/**
 * The bytes of a file from `start` up to, without it, `end`; the end of the file when that comes
 * first. Of a file that is being written, what its writer has flushed when the reading began.
 *
 * @throws ConnectionError when no replica of a block could be read, RemoteError when there is no
 *   such file
 */
export async function* readFile(
  context: FileReadContext,
  start: number,
  end: number,
): AsyncGenerator<Buffer> {
  await context.ready();
  let locations = await locate(context, start);
  const length = await visibleLength(context, locations);
  const to = Math.min(end, length.file);
  let at = start;
  while (at < to) {
    let block = blockAt(locations, at);
    if (!block) {
      locations = await locate(context, at);
      block = blockAt(locations, at);
    }
    if (!block) throw new ConnectionError(`${context.path}: no block at byte ${at}`);
    const last = block.offset === locations.lastBlock?.offset && length.last !== undefined;
    const blockLength = last ? (length.last ?? 0) : (block.b.numBytes ?? 0);
    const blockEnd = Math.min(to, block.offset + blockLength);
    if (blockEnd <= at) throw new ConnectionError(`${context.path}: no block at byte ${at}`);
    const range = new RangeReader(context, block, at, blockEnd);
    try {
      for (let views = await range.next(); views; views = await range.next()) {
        for (const view of views) {
          at += view.length;
          yield view;
        }
      }
    } finally {
      range.close();
    }
  }
}

/** Part of a block from any replica that will do, and from where one left off, from another. */
class RangeReader {
  readonly #context: FileReadContext;
  readonly #to: number;
  #at: number;
  #located: LocatedBlock;
  #reader: ReplicaReader | undefined;
  /** The DataNodes that are left to be asked in this round. */
  #left: Buffer[];
  #round = 0;

  constructor(context: FileReadContext, located: LocatedBlock, from: number, to: number) {
    this.#context = context;
    this.#located = located;
    this.#at = from;
    this.#to = to;
    this.#left = [...located.locs];
  }

  /** @throws ConnectionError when no replica is whole */
  async next(): Promise<readonly Buffer[] | undefined> {
    let failure: unknown;
    for (;;) {
      const [info] = this.#left;
      if (!info) {
        await this.#beginRound(failure);
        continue;
      }
      try {
        this.#reader ??= await this.#open(info);
        const views = await this.#reader.next();
        for (const { length } of views ?? []) this.#at += length;
        return views;
      } catch (error) {
        this.close();
        this.#left.shift();
        failure = error;
        if (error instanceof ChecksumError) await reportBad(this.#context, this.#located, info);
        else if (!(error instanceof ConnectionError || error instanceof FormatError)) throw error;
      }
    }
  }

  close(): void {
    this.#reader?.close();
    this.#reader = undefined;
  }

  async #open(info: Buffer): Promise<ReplicaReader> {
    const located = this.#located;
    const range = { located, offset: this.#at - located.offset, length: this.#to - this.#at };
    return ReplicaReader.open(this.#context, datanodeOf(info), range);
  }

  /** The block may have moved, or its token may have expired. */
  async #beginRound(failure: unknown): Promise<void> {
    const { path, clock } = this.#context;
    if (++this.#round === maxRounds) {
      const { blockId } = this.#located.b;
      const what = `${path}: no replica of block ${blockId} can be read`;
      throw new ConnectionError(what, { cause: failure });
    }
    await clock.sleep(roundMs * (this.#round - 1));
    const locations = await locate(this.#context, this.#at);
    this.#located = blockAt(locations, this.#at) ?? this.#located;
    this.#left = [...this.#located.locs];
  }
}

async function locate(context: FileReadContext, offset: number): Promise<LocatedBlocks> {
  const { nameNodes, path } = context;
  const request = { src: path, offset, length: prefetchBytes };
  const { locations } = await nameNodes.call(getBlockLocations, request);
  if (!locations) throw notFound('read', path);
  if (locations.fileEncryptionInfo)
    throw new UnsupportedError(`${path}: lies in an encryption zone`);
  if (locations.ecPolicy) throw new UnsupportedError(`${path}: is erasure-coded`);
  return locations;
}

function blockAt({ blocks, lastBlock }: LocatedBlocks, at: number): LocatedBlock | undefined {
  const found = blocks.find(({ offset, b }) => offset <= at && at < offset + (b.numBytes ?? 0));
  return found ?? (lastBlock && lastBlock.offset <= at ? lastBlock : undefined);
}

/** Of a file whose last block is being written only a DataNode knows the length. */
async function visibleLength(
  context: FileReadContext,
  { fileLength, lastBlock, isLastBlockComplete }: LocatedBlocks,
): Promise<{ readonly file: number; readonly last?: number }> {
  if (isLastBlockComplete || !lastBlock) return { file: fileLength };
  if (lastBlock.locs.length === 0) return { file: fileLength };
  let failure: unknown;
  let missing = 0;
  for (const info of lastBlock.locs) {
    try {
      const last = await replicaLength(context, datanodeOf(info), lastBlock);
      return { file: lastBlock.offset + last, last };
    } catch (error) {
      if (isRemote(error, 'ReplicaNotFoundException')) missing++;
      failure = error;
    }
  }
  if (missing === lastBlock.locs.length) return { file: lastBlock.offset, last: 0 };
  throw new ConnectionError(`${context.path}: no DataNode tells its length`, { cause: failure });
}

async function replicaLength(
  { config, clock, clientId }: FileReadContext,
  { id }: Datanode,
  { b: block }: LocatedBlock,
): Promise<number> {
  const { request, response, name } = getReplicaVisibleLength;
  const connection = await RpcConnection.open({
    address: { host: config.useHostname ? id.hostName : id.ipAddr, port: id.ipcPort },
    protocol: datanodeProtocolName,
    user: { effectiveUser: config.proxyUser ?? config.user },
    clientId,
    config: config.rpc,
    clock,
  });
  try {
    const body = await connection.call({
      callId: 0,
      clientId,
      retryCount: 0,
      methodName: name,
      protocol: datanodeProtocolName,
      request: request.encode({ block }),
    });
    return response.decode(body).length;
  } finally {
    connection.close();
  }
}

/** So that the NameNode makes a new replica. That it can't be told is no reason not to read on. */
async function reportBad(
  { nameNodes }: FileReadContext,
  located: LocatedBlock,
  info: Buffer,
): Promise<void> {
  const index = located.locs.indexOf(info);
  const bad = {
    ...located,
    locs: [info],
    storageTypes: located.storageTypes.slice(index, index + 1),
    storageIDs: located.storageIDs.slice(index, index + 1),
  };
  await nameNodes.call(reportBadBlocks, { blocks: [bad] }).catch(() => {});
}
