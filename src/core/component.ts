import type { Clock, Random } from './clock.ts';
import type { Disk } from './disk.ts';
import type { Logger } from './log.ts';

/** Whatever the supervisor starts and stops. */
export interface Component {
  /**
   * Resolves when able to work; rejects, with everything released, when it can't. Called again
   * later.
   */
  start(): Promise<void>;
  /**
   * Accepts nothing new, finishes what is in hand, releases everything. Safe unstarted and twice.
   */
  stop(): Promise<void>;
}

/** The world outside, as every component sees it. Tests replace each part. */
export interface Seams {
  readonly clock: Clock;
  readonly disk: Disk;
  readonly random: Random;
}

/** What every component is created with, beside its own configuration. */
export interface ComponentContext extends Seams {
  /** The agent's name: the first word of its configuration keys. */
  readonly agent: string;
  /** The component's own name. */
  readonly name: string;
  readonly log: Logger;
}

/** JSON, as kept in ledgers. */
export type Json =
  | string
  | number
  | boolean
  | null
  | readonly Json[]
  | { readonly [key: string]: Json };
