import type { LogFields, Logger } from '../core/log.ts';

export interface LogLine {
  readonly level: 'error' | 'warn' | 'info' | 'debug';
  readonly sentence: string;
  readonly fields: LogFields;
}

/** Keeps what is logged, through children too, for a test to look at. */
export class RecordingLogger implements Logger {
  readonly lines: LogLine[];
  readonly #fields: LogFields;

  constructor(lines: LogLine[] = [], fields: LogFields = {}) {
    this.lines = lines;
    this.#fields = fields;
  }

  error(fields: LogFields, sentence: string): void {
    this.#keep('error', fields, sentence);
  }

  warn(fields: LogFields, sentence: string): void {
    this.#keep('warn', fields, sentence);
  }

  info(fields: LogFields, sentence: string): void {
    this.#keep('info', fields, sentence);
  }

  debug(fields: LogFields, sentence: string): void {
    this.#keep('debug', fields, sentence);
  }

  child(fields: LogFields): Logger {
    return new RecordingLogger(this.lines, { ...this.#fields, ...fields });
  }

  #keep(level: LogLine['level'], fields: LogFields, sentence: string): void {
    this.lines.push({ level, sentence, fields: { ...this.#fields, ...fields } });
  }
}
