import type { ReadSlabs } from '../../files/read-slabs.ts';
import type { EventRules } from './chunk-events.ts';
import type { HeaderOptions } from './line-batches.ts';

/** How files are tailed. */
export interface TailOptions extends HeaderOptions, EventRules {
  readonly batchSize: number;
  readonly maxBatchCount: number;
  readonly slabs: ReadSlabs;
  /** In milliseconds. */
  readonly idleTimeout: number;
  /** The machine's boot. */
  readonly boot: string;
}

/**
 * What is taken at the end of a file as it is: nothing; lines of an event that may go on; a line
 * without newline too.
 */
export type Flush = 'nothing' | 'lines' | 'all';
