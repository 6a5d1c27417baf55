import type { ComponentContext } from '../core/component.ts';
import { SinkCounters } from '../core/metrics.ts';
import type { SerializerContext } from '../core/serializer.ts';
import { ManualClock } from './manual-clock.ts';
import { Prng } from './prng.ts';
import { RecordingLogger } from './recording-logger.ts';
import { SimulatedDisk } from './simulated-disk.ts';

/** What a component is created with, all of it in a test's hands. */
export interface TestContext extends ComponentContext {
  readonly clock: ManualClock;
  readonly disk: SimulatedDisk;
  readonly random: Prng;
  readonly log: RecordingLogger;
}

export function componentContext(name: string, seed = 1): TestContext {
  return {
    agent: 'a1',
    name,
    log: new RecordingLogger(),
    clock: new ManualClock(),
    disk: new SimulatedDisk({ seed }),
    random: new Prng(seed),
  };
}

/** What a serializer is created with; `urls` are the files that it can read. */
export function serializerContext(
  urls: Readonly<Record<string, string>> = {},
): SerializerContext & { readonly log: RecordingLogger } {
  return {
    log: new RecordingLogger(),
    counters: new SinkCounters(),
    readUrl: async (url) => {
      const content = urls[url];
      if (content === undefined) throw new Error(`there is no ${url}`);
      return Buffer.from(content);
    },
  };
}
