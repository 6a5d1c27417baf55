import type { ComponentContext } from '../core/component.ts';
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
