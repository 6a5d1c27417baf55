import { pino } from 'pino';
import type { LogFields, Logger } from '../core/log.ts';

export type LogLevel = 'error' | 'warn' | 'info' | 'debug' | 'silent';

export interface LogOptions {
  readonly level: LogLevel;
  /** Lines for people, as on a terminal; else JSON lines. */
  readonly readable: boolean;
}

/** A logger with a way to get its last lines out. */
export interface ProcessLog {
  readonly log: Logger;
  /** Writes out what is buffered; call it right before the process ends. */
  flush(): void;
}

/** When nobody reads stderr, what goes beyond this is dropped. */
const maxBufferedCharacters = 8 << 20;

/** Writes to stderr, in the background. */
export function openProcessLog(options: LogOptions): ProcessLog {
  const destination = pino.destination({ fd: 2, sync: false, maxLength: maxBufferedCharacters });
  const target = options.readable
    ? { write: (line: string) => destination.write(readableLine(line)) }
    : destination;
  return {
    log: openLog(options.level, target),
    flush: () => {
      try {
        destination.flushSync();
      } catch {
        // Stderr is gone, or its descriptor was never opened: there is nobody to tell.
      }
    },
  };
}

/** A logger that writes JSON lines to `target`. */
export function openLog(level: LogLevel, target: { write(line: string): void }): Logger {
  return pino(
    {
      level,
      base: null,
      messageKey: 'message',
      errorKey: 'error',
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: pino.stdSerializers.errWithCause },
    },
    target,
  );
}

/**
 * The level that Flume's `-Dflume.root.logger=INFO,console` asks for; undefined for a word unknown.
 */
export function flumeLogLevel(rootLogger: string): LogLevel | undefined {
  const [word = ''] = rootLogger.split(',');
  return levels.get(word.trim().toUpperCase());
}

const levels: ReadonlyMap<string, LogLevel> = new Map([
  ['OFF', 'silent'],
  ['FATAL', 'error'],
  ['ERROR', 'error'],
  ['WARN', 'warn'],
  ['INFO', 'info'],
  ['DEBUG', 'debug'],
  ['TRACE', 'debug'],
  ['ALL', 'debug'],
]);

/**
 * A JSON line of the logger as a line for people: `10:02:03.456 INFO  k1  File closed. path=/x
 * bytes=7`, and below it the stack of an error that has one.
 */
export function readableLine(json: string): string {
  const record = parsed(json);
  if (!record) return json;
  const { level, time, component, message, error, ...fields } = record;
  const words = Object.entries(fields).map(([key, value]) => ` ${key}=${inLine(value)}`);
  const clock = new Date(String(time)).toTimeString().slice(0, 8);
  const millis = String(time).slice(19, 23);
  const rank = String(level).toUpperCase().padEnd(5);
  const name = component === undefined ? '' : ` ${inLine(component)}`;
  return `${clock}${millis} ${rank}${name} ${message}${words.join('')}${errorText(error)}\n`;
}

function parsed(json: string): LogFields | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null ? (value as LogFields) : undefined;
  } catch {
    return undefined;
  }
}

/** Text stands as it is, unless it could be taken for something else or spoil the terminal. */
function inLine(value: unknown): string {
  if (typeof value === 'string' && /^[\x21-\x7e]+$/.test(value) && !/["=]/.test(value))
    return value;
  // Control characters are escaped by JSON; those from 80 to 9f are not.
  return JSON.stringify(value).replaceAll(/\p{Cc}/gu, '?');
}

/**
 * What went wrong, in short for an error that carries its meaning, else with the stack of the bug.
 */
function errorText(error: unknown): string {
  const messages: string[] = [];
  let stack: string | undefined;
  for (let cause = error; isErrorRecord(cause); cause = cause.cause) {
    messages.push(cause.message ?? '');
    if (cause.code === undefined) stack ??= cause.stack;
    else stack = '';
  }
  if (messages.length === 0) return '';
  const text = stack ? `\n${stack.replaceAll(/^/gm, '    ')}` : ` error: ${messages.join(': ')}`;
  // What came from outside, such as a file's name, must not steer the terminal.
  return text.replaceAll(/[^\P{Cc}\n]/gu, '?');
}

interface ErrorRecord {
  readonly message?: string;
  readonly stack?: string;
  readonly code?: unknown;
  readonly cause?: unknown;
}

function isErrorRecord(value: unknown): value is ErrorRecord {
  return typeof value === 'object' && value !== null;
}
