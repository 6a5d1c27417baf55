import { join } from 'node:path';
import type { Clock } from '../../core/clock.ts';
import type { FileName, FileNaming } from '../../outputs/bucket.ts';

export interface NameOptions {
  readonly directory: string;
  /** `default`: the time of the start in ms; `rolltime`: that of the file, in local time. */
  readonly pathManager: 'default' | 'rolltime';
  readonly prefix: string;
  /** Without its dot; may be empty. */
  readonly extension: string;
  /** What the format adds: `.gz`, or nothing. */
  readonly suffix: string;
  /** What a file is called more while it is written; may be empty. */
  readonly inUseSuffix: string;
}

/**
 * Names as Flume's path managers give them: `<prefix><time>-<n>[.<extension>]`, n from 1. With
 * `rolltime`, n begins again with each second that differs from the last one.
 */
export class FileRollNames implements FileNaming {
  readonly #options: NameOptions;
  readonly #clock: Clock;
  #series: string;
  #number = 0;

  constructor(options: NameOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
    this.#series = String(clock.now());
  }

  next(): FileName {
    const { directory, pathManager, prefix, extension, suffix, inUseSuffix } = this.#options;
    if (pathManager === 'rolltime') {
      const series = localSecond(new Date(this.#clock.now()));
      if (series !== this.#series) this.#number = 0;
      this.#series = series;
    }
    const number = ++this.#number;
    const stem = join(directory, `${prefix}${this.#series}-`);
    const tail = (extension === '' ? '' : `.${extension}`) + suffix;
    return { path: stem + number + tail + inUseSuffix, stem, number, tail };
  }

  gone(): void {}
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
