import type { ComponentContext, Json } from '../../core/component.ts';
import type { Settlement } from '../../core/sink.ts';
import { entryOf, type FileEntry, uriIn } from '../../outputs/file-entry.ts';
import { recoverFiles } from '../../outputs/left-files.ts';
import { openFileSystem } from './open-file-system.ts';
import { type Place, placeOf } from './place.ts';

/** The mark of this sink's entries in the state that a channel keeps for it. */
export const entryType = 'hdfs';

/** Brings to its end what a sink left that is gone: in each file system that its state names. */
export async function recoverLeft(
  settlement: Pick<Settlement, 'state' | 'saveState'>,
  context: ComponentContext,
): Promise<void> {
  const places = new Map<string, { place: Place; entry: FileEntry; state: Map<string, Json> }>();
  for (const [key, json] of settlement.state) {
    const entry = entryOf(json, entryType);
    if (!entry) continue;
    const place = placeOf(uriIn(key));
    const name = [place.scheme, place.authority, entry.confDir, entry.proxyUser].join(' ');
    const found = places.get(name) ?? { place, entry, state: new Map<string, Json>() };
    places.set(name, found);
    found.state.set(key, json);
  }
  for (const { place, entry, state } of places.values()) {
    const { confDir, proxyUser } = entry;
    const options = { ...context, confDir, proxyUser, durability: 'hflush' as const };
    const { fileSystem } = await openFileSystem(place, options);
    await recoverFiles({ ...context, settlement, state, entryType, fileSystem });
  }
}
