import type { SourceCounters } from '../core/metrics.ts';
import type { RareLog } from '../core/rare-log.ts';
import type { Connection, ConnectionHandler } from './connection.ts';
import type { Intake, MessageRun, Sender } from './intake.ts';

/** Messages as a framing gives them. */
export interface FramedRun extends MessageRun {
  /** Per message: 1 when it is not whole. */
  readonly cut: Uint8Array;
  readonly cutCount: number;
}

/** Cuts what comes into messages. */
export interface Framing {
  push(chunk: Buffer): void;
  /** Nothing comes any more. */
  end(): void;
}

export interface FramedSenderOptions {
  readonly connection: Connection;
  readonly intake: Intake;
  readonly headers: ReadonlyMap<string, string>;
  /** Is added to the note of each message: 1 for one that is cut, else 0. */
  readonly note?: number;
  readonly counters: SourceCounters;
  readonly rare: RareLog;
  /** @param take valid for the run during the call only */
  readonly frame: (take: (run: FramedRun) => void) => Framing;
}

let notes = new Uint8Array(1024);

/** A peer that sends messages, and is told nothing. */
export class FramedSender implements ConnectionHandler, Sender {
  readonly headers: ReadonlyMap<string, string>;
  readonly #options: FramedSenderOptions;
  readonly #framing: Framing;

  constructor(options: FramedSenderOptions) {
    this.headers = options.headers;
    this.#options = options;
    this.#framing = options.frame((run) => this.#take(run));
  }

  data(chunk: Buffer): void {
    this.#framing.push(chunk);
  }

  end(): void {
    this.#framing.end();
  }

  delivered(_events: number, bytes: number): void {
    this.#options.connection.delivered(bytes);
  }

  refused(events: number, bytes: number, error: Error): void {
    const { connection, counters, rare } = this.#options;
    counters.EventDropCount += events;
    rare.warn({ error }, 'Events were refused by the channels, and are lost.', events);
    connection.delivered(bytes);
  }

  #take(run: FramedRun): void {
    const { connection, intake, note = 0 } = this.#options;
    const noted = note > 0 || run.cutCount > 0 ? this.#notes(run, note) : undefined;
    connection.hold(intake.addRun(this, run, noted));
  }

  #notes({ count, cut }: FramedRun, note: number): Uint8Array {
    if (notes.length < count) notes = new Uint8Array(count * 2);
    for (let row = 0; row < count; row++) notes[row] = note + (cut[row] as number);
    return notes;
  }
}
