import { greaterThan, isDigit, lessThan, zero } from './bytes.ts';

/** Where in the bytes the parts of a message are. Used for one message after the other. */
export class Head {
  /** The message itself. */
  start = 0;
  end = 0;
  /** Behind `>`; `start` when there is no priority. */
  afterPriority = 0;
  priority = 0;
  /** Where the version's digit is; below 0 when there is none. */
  version = -1;
  /** Where the time is, or the dash for one. */
  timeFrom = 0;
  timeTo = 0;
  hostFrom = 0;
  hostTo = 0;
  /** Where the text begins. */
  text = 0;
}

const numbers = Array.from({ length: 1000 }, (_, number) => String(number));

/** A small number as text, which is made once. */
export function numberText(number: number): string {
  return numbers[number] ?? String(number);
}

/** The digits of a priority, which may begin with zeros. */
export function priorityText(head: Head): string {
  const { priority, start, afterPriority } = head;
  const digits = afterPriority - start - 2;
  const text = numberText(priority);
  return text.length === digits ? text : text.padStart(digits, '0');
}

/** Reads `<`, so many digits at most, `>`. False, and no priority, when it does not stand there. */
export function readPriority(bytes: Buffer, head: Head, mostDigits: number): boolean {
  const { start, end } = head;
  head.afterPriority = start;
  if (bytes[start] !== lessThan) return false;
  const last = Math.min(end, start + 1 + mostDigits);
  let at = start + 1;
  let priority = 0;
  for (; at < last && isDigit(bytes[at] as number); at++) {
    priority = priority * 10 + (bytes[at] as number) - zero;
  }
  if (at === start + 1 || at === end || bytes[at] !== greaterThan) return false;
  head.priority = priority;
  head.afterPriority = at + 1;
  return true;
}
