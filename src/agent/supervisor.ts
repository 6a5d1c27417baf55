import type { Clock } from '../core/clock.ts';
import type { Component } from '../core/component.ts';
import type { Logger } from '../core/log.ts';

/**
 * How long after a failed start a component is started again (Flume's supervisor looks every 3 s).
 */
const restartMs = 3_000;

export interface Unit {
  readonly name: string;
  readonly component: Component;
  /** Units that must have started before this one can. */
  readonly needs: readonly Unit[];
  readonly log: Logger;
}

interface Running {
  readonly unit: Unit;
  /** Resolves to whether it was started, once that is known for good. */
  readonly started: Promise<boolean>;
}

/**
 * Starts units, each as soon as what it needs has started, and those that fail again and again
 * while the rest runs. Stops them one after the other, each within a deadline.
 */
export class Supervisor {
  readonly #clock: Clock;
  readonly #running: Running[] = [];
  readonly #stopping = new AbortController();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Begins to start a unit. What it needs was given before. */
  start(unit: Unit): void {
    const needed = this.#running.filter(({ unit: other }) => unit.needs.includes(other));
    this.#running.push({ unit, started: this.#startAfter(unit, needed) });
  }

  /** Resolves when every unit has started, or stopping has begun. */
  async allStarted(): Promise<void> {
    await Promise.all(this.#running.map(({ started }) => started));
  }

  /** Gives up starting, and stops one unit, for at most `deadlineMs`. */
  async stop(unit: Unit, deadlineMs: number): Promise<void> {
    this.#stopping.abort();
    const running = this.#running.find((each) => each.unit === unit);
    if (!running || !(await running.started)) return;
    const over = new AbortController();
    const late = Symbol('late');
    const deadline = this.#clock.sleep(deadlineMs, over.signal).then(() => late);
    try {
      const result = await Promise.race([unit.component.stop(), deadline]);
      if (result === late) unit.log.error({ deadlineMs }, 'Did not stop in time: left behind.');
    } catch (error) {
      unit.log.error({ error }, 'Stopping failed.');
    }
    over.abort();
  }

  async #startAfter(unit: Unit, needed: readonly Running[]): Promise<boolean> {
    for (const { started } of needed) if (!(await started)) return false;
    let failure: string | undefined;
    while (!this.#stopping.signal.aborted) {
      try {
        await unit.component.start();
        if (failure) unit.log.info({}, 'Started after all.');
        return true;
      } catch (error) {
        const said = String(error);
        if (said !== failure) unit.log.error({ error }, 'Could not start: it is tried again.');
        failure = said;
        await this.#clock.sleep(restartMs, this.#stopping.signal);
      }
    }
    return false;
  }
}
