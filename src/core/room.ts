import type { Reservation } from './channel.ts';
import type { Clock } from './clock.ts';
import { ChannelError, ChannelFullError } from './errors.ts';
import { releaseSlab, retainSlab } from './slab-pool.ts';

export interface RoomLimits {
  /** Whose room it is, for messages. */
  readonly channel: string;
  readonly events: number;
  /** Counted in slabs, once each: an event keeps the slab it lies in alive. */
  readonly bytes: number;
  /** How long a reservation waits; infinite: as long as it takes. */
  readonly keepAliveMs: number;
}

interface Waiter {
  readonly slab: Buffer;
  readonly count: number;
  readonly deadlineMs: number;
  readonly admitted: (reservation: Reservation) => void;
  readonly refused: (error: Error) => void;
}

/**
 * The room of a channel, in events and bytes. Room is reserved before a put, used by it, and freed
 * by the commit. Who must wait is served in order, so that batches of one stream are put in order.
 */
export class Room {
  readonly #clock: Clock;
  readonly #limits: RoomLimits;
  readonly #waiting: Waiter[] = [];
  /** Per slab that is kept alive, how many events and reservations keep it. */
  readonly #slabs = new Map<Buffer, number>();
  #events = 0;
  #bytes = 0;
  #closed = false;
  #watching = false;

  constructor(clock: Clock, limits: RoomLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /**
   * @throws ChannelFullError after the keep-alive, and at once when it could never fit;
   *   ChannelError once closed or when `signal` aborts
   */
  async reserve(slab: Buffer, count: number, signal?: AbortSignal): Promise<Reservation> {
    const { channel, events, keepAliveMs } = this.#limits;
    if (this.#closed) throw new ChannelError(`channel ${channel} is closed`);
    if (this.#waiting.length === 0 && this.#fits(slab, count)) return this.#admit(slab, count);
    if (count > events) {
      throw new ChannelFullError(
        channel,
        `a batch of ${count} events exceeds its capacity, ${events}`,
      );
    }
    if (keepAliveMs === 0 || signal?.aborted) throw this.#full(count);
    return this.#wait(slab, count, signal);
  }

  /**
   * Turns a reservation into room in use: for as many events as are put, in the slab that holds
   * them.
   */
  use(reservation: Reservation, slab: Buffer, count: number): void {
    this.#take(slab, count);
    reservation.release();
  }

  /** Counts what is there already, whether or not it fits. */
  occupy(slab: Buffer, count: number): void {
    this.#take(slab, count);
  }

  /** Does anybody wait for room? */
  get isWaitedFor(): boolean {
    return this.#waiting.length > 0;
  }

  /** Frees room in use. */
  free(slab: Buffer, count: number): void {
    this.#give(slab, count);
    this.#serve();
  }

  /** Refuses whoever waits, and everything from now on. */
  close(): void {
    this.#closed = true;
    const error = new ChannelError(`channel ${this.#limits.channel} is closed`);
    for (const waiter of this.#waiting.splice(0)) waiter.refused(error);
  }

  open(): void {
    this.#closed = false;
  }

  #wait(slab: Buffer, count: number, signal: AbortSignal | undefined): Promise<Reservation> {
    return new Promise((resolve, reject) => {
      const done = () => signal?.removeEventListener('abort', stopped);
      const waiter: Waiter = {
        slab,
        count,
        deadlineMs: this.#clock.monotonic() + this.#limits.keepAliveMs,
        admitted: (reservation) => {
          done();
          resolve(reservation);
        },
        refused: (error) => {
          done();
          reject(error);
        },
      };
      const stopped = () => this.#giveUp(waiter, new ChannelError('the put was given up'));
      this.#waiting.push(waiter);
      signal?.addEventListener('abort', stopped);
      this.#watchDeadlines();
    });
  }

  #giveUp(waiter: Waiter, error: Error): void {
    const index = this.#waiting.indexOf(waiter);
    if (index < 0) return;
    this.#waiting.splice(index, 1);
    waiter.refused(error);
    this.#serve();
  }

  /** One timer for all who wait: the first of them is due first. */
  #watchDeadlines(): void {
    const [first] = this.#waiting;
    if (!first || this.#watching || first.deadlineMs === Number.POSITIVE_INFINITY) return;
    this.#watching = true;
    const leftMs = first.deadlineMs - this.#clock.monotonic();
    void this.#clock.sleep(Math.max(leftMs, 1)).then(() => {
      this.#watching = false;
      const now = this.#clock.monotonic();
      for (const waiter of [...this.#waiting]) {
        if (waiter.deadlineMs <= now) this.#giveUp(waiter, this.#full(waiter.count));
      }
      this.#watchDeadlines();
    });
  }

  #full(count: number): ChannelFullError {
    const { channel, events, bytes, keepAliveMs } = this.#limits;
    const limit = this.#events + count > events ? `${events} events` : `${bytes} bytes`;
    return new ChannelFullError(channel, `${limit}, and no room within ${keepAliveMs} ms`);
  }

  #serve(): void {
    for (let first = this.#waiting[0]; first; first = this.#waiting[0]) {
      if (!this.#fits(first.slab, first.count)) return;
      this.#waiting.shift();
      first.admitted(this.#admit(first.slab, first.count));
    }
  }

  #admit(slab: Buffer, count: number): Reservation {
    this.#take(slab, count);
    let reserved = true;
    return {
      release: () => {
        if (!reserved) return;
        reserved = false;
        this.#give(slab, count);
        this.#serve();
      },
    };
  }

  /** A batch that is larger than all of the memory is let in alone: else it would never pass. */
  #fits(slab: Buffer, count: number): boolean {
    if (count === 0) return true;
    const bytes = this.#slabs.has(slab) ? 0 : slab.length;
    const fitsBytes = this.#bytes + bytes <= this.#limits.bytes || this.#events === 0;
    return fitsBytes && this.#events + count <= this.#limits.events;
  }

  #take(slab: Buffer, count: number): void {
    if (count === 0) return;
    const held = this.#slabs.get(slab);
    if (held === undefined) {
      this.#bytes += slab.length;
      retainSlab(slab);
    }
    this.#slabs.set(slab, (held ?? 0) + count);
    this.#events += count;
  }

  #give(slab: Buffer, count: number): void {
    if (count === 0) return;
    const held = this.#slabs.get(slab) ?? 0;
    if (held > count) this.#slabs.set(slab, held - count);
    else {
      this.#slabs.delete(slab);
      this.#bytes -= slab.length;
      releaseSlab(slab);
    }
    this.#events -= count;
  }
}
