import { ConnectionError } from '../core/errors.ts';
import { getAdditionalDatanode } from './client-protocol.ts';
import type { Block, LocatedBlock } from './common-messages.ts';
import { type Datanode, startTransfer, type Target, targetsOf } from './datanodes.ts';
import { RemoteError } from './errors.ts';
import { transferStatus } from './packets.ts';
import { transferBlock } from './transfer-protocol.ts';
import type { WriteContext } from './write-context.ts';

const maxTries = 3;
/** How much longer the copy may take for each 12.8 MB of the block; as in Hadoop. */
const perPartMs = 5_000;
const partBytes = 12_800_000;

/** A pipeline that has lost a DataNode. */
interface Remains {
  /** With what was acknowledged as its length. */
  readonly block: Block;
  readonly targets: readonly Target[];
  readonly failed: readonly Datanode[];
  /** Somebody relies on what was written already. */
  readonly eager: boolean;
}

/**
 * The targets of the next pipeline: those that are left and, where the policy asks for it, another
 * one, to which the block was copied. Source: Hadoop 3.4.1, `ReplaceDatanodeOnFailure`.
 *
 * @throws ConnectionError when there is none and the policy insists
 */
export async function replaceDatanode(
  context: WriteContext,
  remains: Remains,
): Promise<readonly Target[]> {
  const { targets, block } = remains;
  const { config, path, signal } = context;
  if (!isWanted(context, remains)) return targets;
  // Only for this call: a copy that failed may be the fault of the DataNode that was to send it.
  const failed = [...remains.failed];
  let why: unknown;
  for (let attempt = 0; attempt < maxTries && !signal.aborted; attempt++) {
    const source = targets[attempt % targets.length];
    let added: Target | undefined;
    try {
      const { located, target } = await another(context, { ...remains, failed });
      added = target;
      if (!source || !added) break;
      await copyBlock(context, { block, token: located.blockToken, from: source, to: added });
      return [...targets, added];
    } catch (error) {
      const mayPass = error instanceof RemoteError && error.retryable;
      if (!(error instanceof ConnectionError || mayPass)) throw error;
      why = error;
      if (added) failed.push(added.datanode);
    }
  }
  const { bestEffort, minReplication } = config.write.replacement;
  if (bestEffort || (minReplication > 0 && targets.length >= minReplication)) return targets;
  throw new ConnectionError(
    `${path}: no DataNode could replace the one that failed; with few DataNodes set ` +
      'dfs.client.block.write.replace-datanode-on-failure.best-effort = true',
    { cause: why },
  );
}

function isWanted({ config, replication }: WriteContext, { targets, eager }: Remains): boolean {
  const { policy } = config.write.replacement;
  const left = targets.length;
  if (left === 0 || left >= replication || policy === 'NEVER') return false;
  return policy === 'ALWAYS' || (replication >= 3 && (left <= replication / 2 || eager));
}

async function another(
  { nameNodes, path, clientName, fileId, signal }: WriteContext,
  { block, targets, failed }: Remains,
): Promise<{ readonly located: LocatedBlock; readonly target: Target | undefined }> {
  const request = {
    src: path,
    blk: block,
    existings: targets.map(({ datanode }) => datanode.info),
    excludes: failed.map(({ info }) => info),
    numAdditionalNodes: 1,
    clientName,
    existingStorageUuids: targets.map(({ storageId }) => storageId),
    fileId,
  };
  const { block: located } = await nameNodes.call(getAdditionalDatanode, request, signal);
  const known = new Set(targets.map(({ datanode }) => datanode.id.datanodeUuid));
  const target = targetsOf(located).find((each) => !known.has(each.datanode.id.datanodeUuid));
  return { located, target };
}

interface Copy {
  readonly block: Block;
  readonly token: Buffer;
  readonly from: Target;
  readonly to: Target;
}

/** Has one DataNode send what it has of the block to another one. */
async function copyBlock(context: WriteContext, { block, token, from, to }: Copy): Promise<void> {
  const { config, clock, clientName } = context;
  const parts = 2 + (block.numBytes ?? 0) / partBytes;
  const answerMs = config.socketTimeoutMs + perPartMs * parts;
  const request = {
    header: { baseHeader: { block, token }, clientName },
    targets: [to.datanode.info],
    targetStorageTypes: [to.storageType],
    targetStorageIds: [to.storageId],
  };
  const { socket, answer } = await startTransfer(from.datanode, transferBlock, request, {
    config,
    clock,
    answerMs,
  });
  socket.destroy();
  if (answer.status !== transferStatus.success) {
    const what = `${from.datanode.name} did not copy a block to ${to.datanode.name}`;
    throw new ConnectionError(`${what}: status ${answer.status} ${answer.message ?? ''}`.trim());
  }
}
