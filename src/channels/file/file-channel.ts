import type {
  Channel,
  ChannelContext,
  Consumer,
  Range,
  Reservation,
  StateDelta,
  StreamStatus,
} from '../../core/channel.ts';
import type { Json } from '../../core/component.ts';
import { ChannelError, ChannelFullError } from '../../core/errors.ts';
import type { EventBatch } from '../../core/event-batch.ts';
import { type Borrower, EventQueue } from '../../core/event-queue.ts';
import { Ledger, type LedgerChange } from '../../core/ledger.ts';
import type { ChannelCounters } from '../../core/metrics.ts';
import { PutRule } from '../../core/put-rule.ts';
import { Room } from '../../core/room.ts';
import { releaseSlab, retainSlab } from '../../core/slab-pool.ts';
import { encodeBatch } from '../../formats/batch-encoding.ts';
import { sequenceBytes } from './backlog.ts';
import { type EncryptionOptions, KeyRing } from './cipher.ts';
import { Lending } from './lending.ts';
import { Log, type Position, type PutRoom } from './log.ts';
import { MemoryWindow } from './memory-window.ts';
import { Numbering } from './numbering.ts';
import { openLog } from './open.ts';
import { type Segment, Segments } from './segments.ts';
import { Snapshots } from './snapshots.ts';
import type { CommitChange, LogState } from './state.ts';
import { Unlogged, type UnloggedLimits } from './unlogged.ts';
import { Upkeep } from './upkeep.ts';

/*
 * The durable channel. Invariants:
 *
 *  1. A put resolves, and its events are lent, after the sync of its record. So does a commit.
 *  2. What is applied to the state is durable, and applied in the order of records: by replay the
 *     same state comes about.
 *  3. Sequences are given in the order of records. Events are lent in that order: from memory, or,
 *     once something did not fit there, from the backlog, until that is read to its end. What a
 *     sink keeps itself leaves memory; when it is released it is read again, and nothing behind it
 *     is lent before.
 *  4. A commit makes the sink's data durable before its record is written.
 *  5. A segment is given up when no event in it is live and both snapshots that are kept begin
 *     behind it.
 *  6. What may stay in memory alone is put and lent at once, if nothing stored waits to be lent
 *     before it. Its stream is settled by its commit, as behind a memory channel.
 */

export interface FileChannelOptions {
  readonly checkpointDirectory: string;
  readonly dataDirectories: readonly string[];
  readonly segmentBytes: number;
  readonly minimumFreeBytes: number;
  readonly capacity: number;
  readonly transactionCapacity: number;
  readonly keepAliveMs: number;
  readonly memoryBytes: number;
  /** Absent: nothing is encrypted. */
  readonly encryption?: EncryptionOptions;
  /** What is held without being logged; absent: nothing is. */
  readonly unlogged?: UnloggedLimits;
}

/** Old segments kept to become new ones. */
const maxSpares = 2;
/** Accounts for events without memory of their own. */
const noSlab = Buffer.alloc(0);

/** What exists from start to stop. */
interface Running {
  readonly state: LogState;
  readonly log: Log;
  readonly lending: Lending;
  readonly upkeep: Upkeep;
  readonly unlock: () => Promise<void>;
}

export class FileChannel implements Channel {
  readonly name: string;
  readonly counters: ChannelCounters;
  readonly transactionCapacity: number;

  readonly #options: FileChannelOptions;
  readonly #context: ChannelContext;
  readonly #room: Room;
  #isStopping = false;
  readonly #queue: EventQueue;
  readonly #window: MemoryWindow;
  /** What was appended, durable or not: it answers what sources and the put rule ask. */
  #ledger = new Ledger();
  #rule: PutRule;
  /** What the next event has in the log, and in the queue. */
  #nextSequence = 0;
  #nextNumber = 0;
  #numbering = new Numbering(0);
  readonly #unlogged: Unlogged | undefined;
  /** Puts on their way into the log, from the call until they are durable or refused. */
  #storing = 0;
  readonly #syncs = new Map<string, () => Promise<void>>();
  readonly #consumers = new Map<string, Consumer>();
  #running: Running | undefined;

  constructor(options: FileChannelOptions, context: ChannelContext) {
    this.name = context.name;
    this.counters = context.counters;
    this.transactionCapacity = options.transactionCapacity;
    this.#options = options;
    this.#context = context;
    this.#room = new Room(context.clock, {
      channel: context.name,
      events: options.capacity,
      bytes: Number.POSITIVE_INFINITY,
      keepAliveMs: options.keepAliveMs,
    });
    this.#queue = new EventQueue(context.counters);
    this.#window = new MemoryWindow(options.memoryBytes);
    this.#unlogged = options.unlogged && new Unlogged(options.unlogged);
    this.#rule = this.#newRule();
    this.counters.ChannelCapacity = options.capacity;
  }

  async start(): Promise<void> {
    const { checkpointDirectory, dataDirectories, segmentBytes, minimumFreeBytes, encryption } =
      this.#options;
    const { disk, clock, log } = this.#context;
    const unlock = await this.#lock();
    try {
      const keys = encryption && (await KeyRing.load(encryption, disk, log));
      const segments = new Segments(
        {
          directories: dataDirectories,
          segmentBytes,
          minimumFreeBytes,
          maxSpares,
          ...(keys && { keys }),
        },
        this.#context,
      );
      const snapshots = new Snapshots(checkpointDirectory, disk);
      const { state, end, unused } = await openLog(segments, snapshots, disk, log);
      const toQueue = (sequence: number) => this.#numbering.toQueue(sequence);
      const [queue, window] = [this.#queue, this.#window];
      const lending = new Lending({ queue, window, disk, state, toQueue, log });
      const upkeep = new Upkeep({ state, snapshots, segments, log });
      const begun = (segment: Segment) => {
        state.begin(segment, 0);
        void upkeep.run();
      };
      const appended = new Log(segments, clock, log, begun, () => upkeep.makeRoom());
      upkeep.begin(appended);
      this.#running = { state, log: appended, lending, upkeep, unlock };
      await appended.open(end);
      for (const segment of unused) await segments.giveUp(segment);
      this.#takeOver(state);
      await upkeep.run();
      lending.wake();
    } catch (error) {
      // Else its next segment would be made while a later start looks for what is there.
      await this.#running?.log.close().catch(() => {});
      this.#running = undefined;
      await unlock();
      throw error;
    }
    this.#room.open();
    this.#isStopping = false;
    this.counters.StartTime = clock.now();
    this.counters.StopTime = 0;
  }

  prepareStop(): void {
    this.#isStopping = true;
    this.#running?.log.hurry();
  }

  async stop(): Promise<void> {
    this.#room.close();
    const running = this.#running;
    if (!running) return;
    running.log.hurry();
    try {
      await this.#logRest(running.log);
      await running.log.flushed();
      await running.upkeep.run();
    } finally {
      this.#running = undefined;
      await running.lending.stop();
      await running.log.close();
      await running.unlock();
    }
    this.counters.StopTime = this.#context.clock.now();
  }

  streams(): ReadonlyMap<string, StreamStatus> {
    const streams = new Map<string, StreamStatus>();
    for (const name of this.#ledger.streamNames) {
      const status = this.stream(name);
      if (status) streams.set(name, status);
    }
    return streams;
  }

  stream(name: string): StreamStatus | undefined {
    const status = this.#rule.status(name);
    const settled = this.#running?.state.ledger.stream(name)?.held;
    return status && { ...status, settled: settled ?? status.first };
  }

  introduce(stream: string, identity: Json, first: number): void {
    this.#changed({ streams: { [stream]: { identity, first } } });
  }

  retire(stream: string): void {
    this.#rule.forget(stream);
    this.#changed({ retired: [stream] });
  }

  skip(stream: string, to: number): void {
    const from = this.#rule.skip(stream, to);
    if (from < to) this.#changed({ done: { [stream]: [[from, to]] } });
  }

  knowsSource(source: string): boolean {
    return this.#ledger.sources.has(source);
  }

  async attachSource(source: string): Promise<void> {
    if (this.knowsSource(source)) return;
    this.#ledger.apply({ sources: [source] });
    await this.#change({ sources: [source] });
  }

  reserve(batch: EventBatch, signal?: AbortSignal): Promise<Reservation> {
    this.counters.EventPutAttemptCount += batch.length;
    return this.#room.reserve(noSlab, batch.length, signal);
  }

  async put(batch: EventBatch, reservation: Reservation): Promise<void> {
    const { log, lending } = this.#open();
    const isComplete = this.#storing === 0 && lending.isComplete;
    const unlogged = isComplete && this.#unlogged?.fits(batch);
    const record = unlogged ? [] : encodeBatch(batch);
    // From here on, so that no later put takes the shorter way past this one.
    if (!unlogged) this.#storing++;
    const room = unlogged ? undefined : await this.#roomFor(record, log, reservation);
    let stored = false;
    try {
      const fresh = this.#rule.admit(batch);
      this.counters.EventTrimCount += batch.length - fresh.length;
      if (fresh.length > 0 && !room) this.#hold(fresh, reservation);
      else if (fresh.length > 0 && room) {
        stored = true;
        const encoded = fresh === batch ? record : encodeBatch(fresh);
        await this.#store(log, fresh, encoded, reservation, room);
      } else if (fresh.origin && fresh.origin.from < fresh.origin.to) {
        const { stream, from, to } = fresh.origin;
        this.#changed({ done: { [stream]: [[from, to]] } });
      } else if (batch.length > 0) {
        // All of it is there already, though perhaps not durable yet.
        await log.flushed();
      }
      this.counters.EventPutSuccessCount += batch.length;
    } finally {
      if (room && !stored) {
        room.release();
        this.#storing--;
      }
      reservation.release();
    }
  }

  sinkNames(): Iterable<string> {
    return this.#running?.state.ledger.sinkNames ?? [];
  }

  consumer(sink: string): Consumer {
    const known = this.#consumers.get(sink);
    if (known) return known;
    const borrower = this.#queue.borrower();
    const stateOf = () => this.#running?.state.ledger.sinkState(sink) ?? new Map<string, Json>();
    const consumer: Consumer = {
      take: (max, signal) => {
        const taking = borrower.take(max, signal);
        if (this.#queue.isStuck) this.#running?.lending.wake();
        return taking;
      },
      commit: (ranges, delta) => this.#commit(sink, borrower, ranges, delta),
      absorb: (ranges) => {
        // What is not logged is nowhere else.
        if (!this.#unlogged) this.#running?.lending.absorb(borrower, ranges);
      },
      release: (ranges) => {
        borrower.release(ranges);
        this.#running?.lending.released();
      },
      get state() {
        return stateOf();
      },
      // Nothing is committed here that does not survive.
      saveState: async (delta) => {
        if (delta.set || delta.delete) await this.#change({ sinks: { [sink]: delta } });
      },
      onSync: (sync) => void this.#syncs.set(sink, sync),
      isPressed: () =>
        this.#room.isWaitedFor || this.#isStopping || (this.#running?.lending.isPressed ?? false),
      detach: () => {
        borrower.releaseAll();
        this.#running?.lending.released();
      },
    };
    this.#consumers.set(sink, consumer);
    return consumer;
  }

  async settle(): Promise<void> {
    await this.#open().log.flushed();
  }

  #newRule(): PutRule {
    return new PutRule(this.name, this.#ledger, (stream, first) => {
      this.introduce(stream, null, first);
    });
  }

  async #lock(): Promise<() => Promise<void>> {
    const { checkpointDirectory, dataDirectories } = this.#options;
    const held: (() => Promise<void>)[] = [];
    const unlock = async () => {
      for (const release of held) await release();
    };
    try {
      for (const directory of new Set([checkpointDirectory, ...dataDirectories])) {
        await this.#context.disk.makeDirectory(directory);
        held.push(await this.#context.disk.lock(directory));
      }
      return unlock;
    } catch (error) {
      await unlock();
      throw error;
    }
  }

  /** Goes on from a state that was read. */
  #takeOver(state: LogState): void {
    this.#ledger = new Ledger();
    this.#ledger.apply(state.ledger.snapshot());
    this.#rule = this.#newRule();
    this.#nextSequence = state.nextSequence;
    this.#nextNumber = state.nextSequence;
    this.#numbering = new Numbering(state.nextSequence);
    this.counters.ChannelSize = state.live;
    this.#room.occupy(noSlab, state.live);
  }

  #open(): Running {
    if (!this.#running) throw new ChannelError(`channel ${this.name} is closed`);
    return this.#running;
  }

  /** Room in the log; what is trimmed from the batch only makes its record smaller. */
  async #roomFor(record: readonly Buffer[], log: Log, reservation: Reservation): Promise<PutRoom> {
    let bytes = sequenceBytes;
    for (const part of record) bytes += part.length;
    try {
      return await log.reserve(bytes);
    } catch (error) {
      this.#storing--;
      reservation.release();
      throw new ChannelFullError(this.name, error instanceof Error ? error.message : String(error));
    }
  }

  /** Keeps events in memory alone. */
  #hold(batch: EventBatch, reservation: Reservation): void {
    const first = this.#nextNumber;
    this.#nextNumber += batch.length;
    this.#room.use(reservation, noSlab, batch.length);
    this.#unlogged?.add(batch, first);
    this.counters.ChannelSize += batch.length;
    this.#queue.push(batch, first);
  }

  async #store(
    log: Log,
    batch: EventBatch,
    record: readonly Buffer[],
    reservation: Reservation,
    room: PutRoom,
  ): Promise<void> {
    const number = this.#nextNumber;
    this.#nextNumber += batch.length;
    this.#room.use(reservation, noSlab, batch.length);
    retainSlab(batch.slab);
    await this.#append(log, batch, record, number, (position) => {
      room.release();
      this.#storing--;
      this.counters.ChannelSize += batch.length;
      this.#running?.lending.stored(batch, number, position);
      releaseSlab(batch.slab);
    });
  }

  /** Puts events into the log; `number` is their first one's in the queue. */
  #append(
    log: Log,
    batch: EventBatch,
    record: readonly Buffer[],
    number: number,
    durable: (position: Position) => void,
  ): Promise<void> {
    const { state } = this.#open();
    const first = this.#nextSequence;
    this.#nextSequence += batch.length;
    this.#numbering.add(number, first, batch.length, (from, to) => state.isCommitted(from, to));
    const sequence = Buffer.allocUnsafe(sequenceBytes);
    sequence.writeDoubleLE(first, 0);
    return log.append('put', [sequence, ...record], (position) => {
      const { segment, offset, end } = position;
      const use = state.use(segment.number) ?? state.begin(segment, offset);
      use.end = end;
      state.put(use, batch.length, batch.origin);
      durable(position);
    });
  }

  /**
   * What is in memory alone goes into the log, so that a stop loses nothing of it. A sink that did
   * not stop in time may still commit some of it: as events of the log, which they are by then.
   */
  async #logRest(log: Log): Promise<void> {
    const appended: Promise<void>[] = [];
    this.#unlogged?.moveRest((batch, first) => {
      this.#window.force(batch.slab, batch.length);
      appended.push(this.#append(log, batch, encodeBatch(batch), first, () => {}));
    });
    await Promise.all(appended);
  }

  async #commit(
    sink: string,
    borrower: Borrower,
    ranges: readonly Range[],
    delta: StateDelta | undefined,
  ): Promise<void> {
    const { log, state, lending } = this.#open();
    await this.#syncs.get(sink)?.();
    const settled = borrower.settle(ranges);
    const held = this.#unlogged;
    lending.forget(held ? settled.filter(({ batch }) => !held.has(batch)) : settled);
    const unlogged = held?.commit(ranges, settled);
    const change: CommitChange = {
      sink,
      ranges: this.#numbering.toLog(ranges),
      ...(unlogged && unlogged.events > 0 && { done: unlogged.done }),
      ...(delta && { delta }),
    };
    lending.wake();
    await log.append('commit', [Buffer.from(JSON.stringify(change))], ({ segment, end }) => {
      const use = state.use(segment.number);
      if (use) use.end = end;
      const before = state.live;
      state.commit(change);
      const events = before - state.live + (unlogged?.events ?? 0);
      this.#room.free(noSlab, events);
      this.counters.ChannelSize -= events;
      this.counters.EventTakeSuccessCount += events;
    });
  }

  /** Appends a change that nobody waits for. */
  #changed(change: LedgerChange): void {
    this.#ledger.apply(change);
    void this.#change(change).catch((error: unknown) => {
      this.#context.log.debug({ error }, 'A change of the ledger is not durable yet.');
    });
  }

  async #change(change: LedgerChange): Promise<void> {
    const { log, state } = this.#open();
    await log.append('change', [Buffer.from(JSON.stringify(change))], ({ segment, end }) => {
      const use = state.use(segment.number);
      if (use) use.end = end;
      state.ledger.apply(change);
    });
  }
}
