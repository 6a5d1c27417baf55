import { ConnectionError, FormatError } from '../core/errors.ts';
import { ChecksumError, type ReadContext, readReplica } from './block-reader.ts';
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
    for await (const bytes of readBlockRange(context, block, at, blockEnd)) {
      at += bytes.length;
      yield bytes;
    }
  }
}

/** From any replica that will do, and from where one left off, from another. */
async function* readBlockRange(
  context: FileReadContext,
  first: LocatedBlock,
  from: number,
  to: number,
): AsyncGenerator<Buffer> {
  let at = from;
  let located = first;
  let failure: unknown;
  for (let round = 0; round < maxRounds; round++) {
    for (const info of located.locs) {
      const datanode = datanodeOf(info);
      try {
        const range = { located, offset: at - located.offset, length: to - at };
        for await (const bytes of readReplica(context, datanode, range)) {
          at += bytes.length;
          yield bytes;
        }
        return;
      } catch (error) {
        if (error instanceof ChecksumError) await reportBad(context, located, info);
        else if (!(error instanceof ConnectionError || error instanceof FormatError)) throw error;
        failure = error;
      }
    }
    // The block may have moved, or its token may have expired.
    await context.clock.sleep(roundMs * round);
    const locations = await locate(context, at);
    located = blockAt(locations, at) ?? located;
  }
  throw new ConnectionError(`${context.path}: no replica of block ${located.b.blockId} is whole`, {
    cause: failure,
  });
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
