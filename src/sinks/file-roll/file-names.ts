import { join } from 'node:path';
import type { Clock } from '../../core/clock.ts';

export interface NameOptions {
  readonly directory: string;
  /** `default`: the time of the start in ms; `rolltime`: that of the file, in local time. */
  readonly pathManager: 'default' | 'rolltime';
  readonly prefix: string;
  /** Without its dot; may be empty. */
  readonly extension: string;
  /** What compression adds: `.gz`, or nothing. */
  readonly suffix: string;
}

/**
 * Names as Flume's path managers give them: `<prefix><time>-<n>[.<extension>]`, n from 1. With
 * `rolltime`, n begins again with each second that differs from the last one.
 */
export class FileNames {
  readonly #options: NameOptions;
  readonly #clock: Clock;
  #series: string;
  #number = 0;
  /** The path that was given last; for messages. */
  last = '';

  constructor(options: NameOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
    this.#series = String(clock.now());
  }

  /** The path of one more file; never the same again. */
  next(): string {
    const { directory, pathManager, prefix, extension, suffix } = this.#options;
    if (pathManager === 'rolltime') {
      const series = localSecond(new Date(this.#clock.now()));
      if (series !== this.#series) this.#number = 0;
      this.#series = series;
    }
    this.#number++;
    const dotted = extension === '' ? '' : `.${extension}`;
    this.last = join(directory, `${prefix}${this.#series}-${this.#number}${dotted}${suffix}`);
    return this.last;
  }
}

/** `yyyyMMddHHmmss` */
function localSecond(time: Date): string {
  const parts = [
    time.getMonth() + 1,
    time.getDate(),
    time.getHours(),
    time.getMinutes(),
    time.getSeconds(),
  ];
  return time.getFullYear() + parts.map((part) => String(part).padStart(2, '0')).join('');
}
