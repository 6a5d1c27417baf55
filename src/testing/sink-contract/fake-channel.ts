import { strict as assert } from 'node:assert';
import type { Range, StateDelta, Taken } from '../../core/channel.ts';
import type { Json } from '../../core/component.ts';
import { ChannelError } from '../../core/errors.ts';
import { EventBatch } from '../../core/event-batch.ts';
import { RangeSet } from '../../core/range-set.ts';
import type { Settlement } from '../../core/sink.ts';
import type { Prng } from '../prng.ts';

export interface FakeChannelOptions {
  readonly prng: Prng;
  /** The body of the event with this sequence. */
  readonly body: (sequence: number) => string;
  /** How many events there are. */
  readonly count: number;
  /**
   * When a commit is safe from a power loss: `commit`, as in a file channel, which has the sink
   * sync first; or `mark`, as in a memory channel: when `mark` is called after it.
   */
  readonly safeAt: 'commit' | 'mark';
}

/** What outlives a crash. */
interface Ledger {
  readonly committed: RangeSet;
  readonly state: Map<string, Json>;
}

type OperationName = 'commit' | 'saveState';

/**
 * A channel that is full from the beginning, with one sink: the sequences of its events are the
 * same in every life of it. Its ledger is kept as the real ones keep theirs, and survives `crash`.
 */
export class FakeChannel {
  /** Called as each operation begins, and again when it is done but has not resolved. */
  onOperation: ((name: OperationName) => void) | undefined;
  readonly settlement: Settlement;
  /** What the settlement says. */
  pressed = false;
  readonly #options: FakeChannelOptions;
  #now: Ledger;
  /** The ledger as of the newest mark. */
  #marked: Ledger;
  /** Keys that were saved since: they count after a power loss, where they are new. */
  readonly #saved = new Map<string, Json>();
  readonly #lent = new RangeSet();
  /** What was lent, while its memory is as it was. */
  readonly #taken = new Set<Taken>();
  #sync: () => Promise<void> = async () => {};
  #failures = 0;
  #crashed = false;

  constructor(options: FakeChannelOptions, ledger: Ledger = emptyLedger()) {
    this.#options = options;
    this.#now = ledger;
    this.#marked = copyOf(ledger);
    this.settlement = {
      state: ledger.state,
      isPressed: () => this.pressed,
      commit: (ranges, delta) => this.#commit(ranges, delta),
      saveState: (delta) => this.#saveState(delta),
      absorb: (ranges) => this.#absorb(ranges),
      release: (ranges) => this.#release(ranges),
      onSync: (sync) => {
        this.#sync = sync;
      },
    };
  }

  /** The bodies of what is committed, in order. */
  get committed(): string[] {
    const bodies: string[] = [];
    for (const [from, to] of this.#now.committed) {
      for (let sequence = from; sequence < to; sequence++) {
        bodies.push(this.#options.body(sequence));
      }
    }
    return bodies;
  }

  /** Is every event committed? */
  get drained(): boolean {
    return this.#now.committed.covers(0, this.#options.count);
  }

  /** Is anything lent, and neither committed nor released? */
  get lends(): boolean {
    return !this.#lent.empty;
  }

  /** Lends the oldest events that are neither lent nor committed. */
  take(max: number): Taken | undefined {
    const { count, body } = this.#options;
    const isFree = (sequence: number) =>
      sequence < count &&
      !this.#lent.covers(sequence, sequence + 1) &&
      !this.#now.committed.covers(sequence, sequence + 1);
    let first = 0;
    while (first < count && !isFree(first)) first++;
    let end = first;
    while (end - first < max && isFree(end)) end++;
    if (end === first) return undefined;
    this.#lent.add(first, end);
    const events: { body: string }[] = [];
    for (let sequence = first; sequence < end; sequence++) events.push({ body: body(sequence) });
    const taken = { first, events: EventBatch.of(events) };
    this.#taken.add(taken);
    return taken;
  }

  /** Takes back everything that is lent, as a runner does after a write that failed. */
  detach(): void {
    for (const [from, to] of [...this.#lent]) this.#lent.delete(from, to);
  }

  /** Makes commits and saves fail from now on, so many of them. */
  failNext(times: number): void {
    this.#failures = times;
  }

  /** Has the sink sync, and makes everything safe that was committed before. */
  async mark(): Promise<void> {
    const covered = copyOf(this.#now);
    const saved = [...this.#saved];
    await this.#sync();
    this.#assertAlive();
    this.#marked = covered;
    for (const [key, value] of saved) {
      if (this.#saved.get(key) === value) this.#saved.delete(key);
    }
  }

  /** The channel as the next process finds it; this one is of no use any more. */
  crash(kind: 'process' | 'power'): FakeChannel {
    this.#crashed = true;
    const safe = kind === 'process' || this.#options.safeAt === 'commit';
    const ledger = copyOf(safe ? this.#now : this.#marked);
    for (const [key, value] of this.#saved) {
      if (!ledger.state.has(key) && !safe) ledger.state.set(key, value);
    }
    return new FakeChannel(this.#options, ledger);
  }

  async #commit(ranges: readonly Range[], delta: StateDelta | undefined): Promise<void> {
    await this.#begin('commit');
    if (this.#options.safeAt === 'commit') await this.#sync();
    this.#assertAlive();
    for (const [from, to] of ranges) {
      assert(this.#lent.covers(from, to), `committed sequences ${from} to ${to} are lent`);
      this.#lent.delete(from, to);
      this.#now.committed.add(from, to);
    }
    this.#apply(delta);
    await this.#end('commit');
  }

  async #saveState(delta: StateDelta): Promise<void> {
    await this.#begin('saveState');
    this.#apply(delta);
    for (const [key, value] of Object.entries(delta.set ?? {})) this.#saved.set(key, value);
    await this.#end('saveState');
  }

  /** Whoever keeps events has no use for their memory: it is used for something else. */
  #absorb(ranges: readonly Range[]): void {
    const absorbed = RangeSet.of(ranges);
    for (const taken of this.#taken) {
      const { first, events } = taken;
      if (!absorbed.covers(first, first + events.length)) continue;
      events.slab.fill('absorbed ');
      this.#taken.delete(taken);
    }
  }

  #release(ranges: readonly Range[]): void {
    if (this.#crashed) return;
    for (const [from, to] of ranges) {
      assert(this.#lent.covers(from, to), `released sequences ${from} to ${to} are lent`);
      this.#lent.delete(from, to);
    }
  }

  #apply(delta: StateDelta | undefined): void {
    for (const [key, value] of Object.entries(delta?.set ?? {})) this.#now.state.set(key, value);
    for (const key of delta?.delete ?? []) this.#now.state.delete(key);
  }

  async #begin(name: OperationName): Promise<void> {
    this.#assertAlive();
    this.onOperation?.(name);
    await this.#delay();
    if (this.#failures > 0) {
      this.#failures--;
      throw new ChannelError(`${name} fails, as the test wants it`);
    }
  }

  async #end(name: OperationName): Promise<void> {
    this.onOperation?.(name);
    await this.#delay();
  }

  async #delay(): Promise<void> {
    for (let turns = this.#options.prng.integer(8); turns > 0; turns--) await undefined;
    this.#assertAlive();
  }

  #assertAlive(): void {
    if (this.#crashed) throw new ChannelError('this channel has crashed');
  }
}

/** A body for `FakeChannel`: the sequence, and more, so that lengths differ. */
export function bodyOf(sequence: number): string {
  return `event-${sequence}-${'x'.repeat((sequence * 7) % 40)}`;
}

function emptyLedger(): Ledger {
  return { committed: new RangeSet(), state: new Map() };
}

function copyOf({ committed, state }: Ledger): Ledger {
  return { committed: RangeSet.of(committed), state: new Map(state) };
}
