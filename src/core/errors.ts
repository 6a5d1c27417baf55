/**
 * The errors that carry meaning between parts. The engine looks at `code` and `retryable` and at
 * nothing else; a message is for people. What is none of these is a bug or an error of the
 * operating system, and is wrapped once by the layer that knows what was being done to what.
 */
export abstract class MillraceError extends Error {
  /** Stable, for programs: `CHANNEL_FULL`. */
  abstract readonly code: string;
  /** May the same call succeed later, with nothing changed? */
  abstract readonly retryable: boolean;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** The configuration is wrong; a person must act before anything starts. */
export class ConfigError extends MillraceError {
  readonly code = 'CONFIG';
  readonly retryable = false;
  /** The full key, such as `a1.sinks.k1.sink.directory`. */
  readonly key: string;

  constructor(key: string, problem: string) {
    super(`${key}: ${problem}`);
    this.key = key;
  }
}

/** No room within the keep-alive. A source answers "try later", or waits and emits again. */
export class ChannelFullError extends MillraceError {
  readonly code = 'CHANNEL_FULL';
  readonly retryable = true;
  constructor(channel: string, detail: string) {
    super(`channel ${channel} is full: ${detail}`);
  }
}

/** The channel can take nothing now, for a reason of its own: it is closed, or its disk fails. */
export class ChannelError extends MillraceError {
  readonly code = 'CHANNEL';
  readonly retryable = true;
}

/**
 * An earlier batch of this stream is missing. The source goes back to `held` and emits from there.
 */
export class OriginGapError extends MillraceError {
  readonly code = 'ORIGIN_GAP';
  readonly retryable = true;
  readonly stream: string;
  /** The offset from which the channel wants the stream. */
  readonly held: number;

  constructor(channel: string, stream: string, held: number, from: number) {
    super(`channel ${channel} has ${stream} up to ${held}, and was given it from ${from}`);
    this.stream = stream;
    this.held = held;
  }
}

/** A peer could not be reached, was lost, or did not answer in time. */
export class ConnectionError extends MillraceError {
  readonly code = 'CONNECTION';
  readonly retryable = true;
}

/** Bytes break their grammar at `offset`. */
export class FormatError extends MillraceError {
  readonly code = 'FORMAT';
  readonly retryable = false;
  /** Where in the input, in bytes from its beginning. */
  readonly offset: number;

  constructor(what: string, offset: number) {
    super(`${what}, at byte ${offset}`);
    this.offset = offset;
  }
}

/** The destination refuses these events, now and always. */
export class DeliveryError extends MillraceError {
  readonly code = 'DELIVERY';
  readonly retryable = false;
  /** Indices into the batch that was written. */
  readonly rejected: readonly number[];

  constructor(message: string, rejected: readonly number[], options?: ErrorOptions) {
    super(message, options);
    this.rejected = rejected;
  }
}

/** What was thrown, as an error: JavaScript throws anything. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
