import type { ComponentContext, Json } from '../core/component.ts';
import type { Settlement } from '../core/sink.ts';
import { Commits } from './commits.ts';
import type { FileSystem } from './file-system.ts';
import { Recovery } from './recovery.ts';

export interface LeftFiles extends ComponentContext {
  readonly settlement: Pick<Settlement, 'state' | 'saveState'>;
  /** Of the state, what is of this file system; absent: all. */
  readonly state?: ReadonlyMap<string, Json>;
  readonly entryType: string;
  /** Closed in the end. */
  readonly fileSystem: FileSystem;
}

/** Brings to their end the files of a sink that is gone. */
export async function recoverFiles(left: LeftFiles): Promise<void> {
  const { settlement, fileSystem, state = settlement.state } = left;
  const { saveState } = settlement;
  const commits = new Commits({ ...nothingLent, state, saveState: (delta) => saveState(delta) });
  const recovery = new Recovery({ ...left, commits, retryMs: 0, maxTries: 1 });
  try {
    await recovery.recoverAll();
  } finally {
    await fileSystem.close();
  }
}

/** What a sink that is gone has no use for. */
const nothingLent: Omit<Settlement, 'state' | 'saveState'> = {
  commit: async () => {},
  absorb: () => {},
  release: () => {},
  onSync: () => {},
  isPressed: () => false,
};
