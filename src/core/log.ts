/** A value that fits into one JSON line. An error goes under the key `error`. */
export type LogFields = Readonly<Record<string, unknown>>;

/**
 * What a component writes its life into: a constant sentence, with the data in fields.
 * `error`: a person must act. `warn`: degraded, and recovering by itself. `info`: life cycle.
 * `debug`: per batch. Nothing is logged per event.
 */
export interface Logger {
  error(fields: LogFields, sentence: string): void;
  warn(fields: LogFields, sentence: string): void;
  info(fields: LogFields, sentence: string): void;
  debug(fields: LogFields, sentence: string): void;
  child(fields: LogFields): Logger;
}

const nothing = () => {};

/** Drops everything; for tests, and for commands that report in another way. */
export const silentLogger: Logger = {
  error: nothing,
  warn: nothing,
  info: nothing,
  debug: nothing,
  child: () => silentLogger,
};
