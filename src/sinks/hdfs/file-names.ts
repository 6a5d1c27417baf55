import type { Clock } from '../../core/clock.ts';
import type { Bucket, FileName, FileNaming } from '../../outputs/bucket.ts';

export interface NameRules {
  readonly inUsePrefix: string;
  readonly inUseSuffix: string;
  readonly fileSuffix: string;
}

/**
 * Names as Flume's bucket writers give them: `<prefix>.<number><suffix>`. A bucket's first file has
 * the time at which the bucket was made, in ms, and 1; the next ones count up from that.
 */
export class HdfsFileNames implements FileNaming {
  readonly #rules: NameRules;
  readonly #clock: Clock;
  /** Of buckets that are gone, the number of the last file, if it is ahead of the clock. */
  readonly #numbers = new Map<string, number>();

  constructor(rules: NameRules, clock: Clock) {
    this.#rules = rules;
    this.#clock = clock;
  }

  next(bucket: Bucket): FileName {
    const { inUsePrefix, inUseSuffix, fileSuffix } = this.#rules;
    const { path, prefix } = bucket;
    const number = (bucket.number ?? this.#firstNumber(bucket)) + 1;
    bucket.number = number;
    const base = path === '/' ? '' : path;
    return {
      path: `${base}/${inUsePrefix}${prefix}.${number}${fileSuffix}${inUseSuffix}`,
      stem: `${base}/${prefix}.`,
      number,
      tail: fileSuffix,
    };
  }

  gone({ key, number = 0 }: Bucket): void {
    const now = this.#clock.now();
    for (const [each, last] of this.#numbers) if (last < now) this.#numbers.delete(each);
    if (number >= now) this.#numbers.set(key, number);
  }

  /** No name is used twice, also where several files a millisecond are made. */
  #firstNumber({ key }: Bucket): number {
    return Math.max(this.#clock.now(), this.#numbers.get(key) ?? 0);
  }
}
