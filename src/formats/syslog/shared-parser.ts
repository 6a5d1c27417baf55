import { type Column, EventBatch } from '../../core/event-batch.ts';
import { Bodies } from './bodies.ts';
import {
  colon,
  dash,
  dot,
  isCapital,
  isDigit,
  isOfHost,
  isSpace,
  isWord,
  twoDigits,
  zero,
} from './bytes.ts';
import type { CustomFormat } from './custom-format.ts';
import { Head, numberText, priorityText, readPriority } from './head.ts';
import type { KeptFields } from './keep-fields.ts';
import {
  cutNote,
  incompleteStatus,
  invalidStatus,
  type ReportBad,
  type SyslogMessages,
  statusHeader,
  withSenders,
} from './messages.ts';
import { TextColumn } from './text-column.ts';
import { Texts } from './texts.ts';
import { Seconds, ShortTimes, secondBytes, TimeTexts } from './times.ts';

export interface SharedParserOptions {
  readonly kept: KeptFields;
  /** Tried first. */
  readonly format?: CustomFormat | undefined;
  readonly reportBad: ReportBad;
}

/** A fraction of a second with more digits is none. */
const maxFractionDigits = 6;
const minuteMs = 60_000;
const letterZ = 90;
const plus = 43;

/**
 * The parser that Flume's syslogtcp and syslogudp share (class `SyslogUtils`), with its header
 * names, and its values as far as they can be meant. A message is one of
 *
 *   rfc5424 => PRI [digit] [blank] (time / "-") blank (host / "-") blank text
 *     time    => yyyy-MM-ddThh:mm:ss ["." 1*6 digits] ["Z" / ("+" / "-") hh:mm]
 *   rfc3164 => PRI [digit] [blank] time blank host blank text
 *     time    => Mmm [blank] [d]d hh:mm:ss
 *   PRI     => "<" 1*3 digits ">"
 *   host    => a word character, and any of these and `.@-`
 *
 * where a blank is any white space, and `Mmm` begins with a capital. With a PRI, but else of
 * neither form, all of it is the body; without one it is `Invalid`. A time with a fraction is
 * local, whatever zone it names, and the first three digits of the fraction are taken for
 * milliseconds, however many there are: so does Flume. One without a fraction is in its zone, or
 * local.
 */
export class SharedParser {
  readonly #kept: KeptFields;
  readonly #format: CustomFormat | undefined;
  readonly #reportBad: ReportBad;
  readonly #head = new Head();
  readonly #shortTimes = new ShortTimes('local', 'carries');
  readonly #seconds = new Seconds('carries');
  readonly #timeTexts = new TimeTexts();
  readonly #hosts = new Texts();
  readonly #facility = new TextColumn('Facility');
  readonly #severity = new TextColumn('Severity');
  readonly #priority = new TextColumn('priority');
  readonly #version = new TextColumn('version');
  readonly #timestamp = new TextColumn('timestamp');
  readonly #host = new TextColumn('host');
  readonly #status = new TextColumn(statusHeader);
  readonly #columns = [
    ...[this.#facility, this.#severity, this.#priority, this.#version],
    ...[this.#timestamp, this.#host, this.#status],
  ];
  /** The memory at hand, for who looks at several bytes at once. */
  #view: DataView = new DataView(new ArrayBuffer(0));
  /** The time of the message at hand. */
  #time: string | undefined;

  constructor({ kept, format, reportBad }: SharedParserOptions) {
    this.#kept = kept;
    this.#format = format;
    this.#reportBad = reportBad;
  }

  toBatch(messages: SyslogMessages): EventBatch {
    const { slab, count, starts, ends, notes, headers, at } = messages;
    this.#shortTimes.setNow(at);
    this.#view = new DataView(slab.buffer, slab.byteOffset, slab.length);
    for (const column of this.#columns) column.begin(count);
    const bodies = new Bodies(messages, this.#kept);
    const head = this.#head;
    let invalid = 0;
    let cut = 0;
    for (let row = 0; row < count; row++) {
      const isCut = ((notes[row] as number) & cutNote) !== 0;
      if (isCut) cut++;
      head.start = starts[row] as number;
      head.end = ends[row] as number;
      if (readPriority(slab, head, 3)) {
        if (isCut) this.#status.set(row, incompleteStatus);
        this.#facility.set(row, numberText(head.priority >> 3));
        this.#severity.set(row, numberText(head.priority & 7));
        if (!this.#format || !this.#addCustom(row, slab, at, bodies)) {
          this.#addStandard(row, slab, bodies);
        }
      } else {
        invalid++;
        this.#status.set(row, invalidStatus);
        this.#addInvalid(row, bodies);
      }
    }
    if (invalid + cut > 0) this.#reportBad({ invalid, cut });
    const table = new Map<string, Column>();
    for (const column of this.#columns) column.addTo(table);
    return new EventBatch(bodies.finish(), starts, ends, withSenders(table, headers));
  }

  #addStandard(row: number, bytes: Buffer, bodies: Bodies): void {
    const head = this.#head;
    this.#priority.set(row, priorityText(head));
    if (!this.#readRest(bytes)) {
      bodies.setRaw(row, head);
      return;
    }
    const { version, hostFrom, hostTo } = head;
    if (version >= 0) this.#version.set(row, numberText((bytes[version] as number) - zero));
    if (this.#time !== undefined) this.#timestamp.set(row, this.#time);
    if (bytes[hostFrom] !== dash) {
      this.#host.set(row, this.#hosts.textOf(bytes, this.#view, hostFrom, hostTo));
    }
    bodies.set(row, head);
  }

  #addCustom(row: number, bytes: Buffer, now: number, bodies: Bodies): boolean {
    const head = this.#head;
    const message = bytes.subarray(head.start, head.end);
    const found = this.#format?.match(message, now, this.#kept);
    if (!found) return false;
    this.#priority.set(row, found.priority ?? priorityText(head));
    if (found.version !== undefined) this.#version.set(row, found.version);
    if (found.timestamp !== undefined) this.#timestamp.set(row, found.timestamp);
    if (found.host !== undefined) this.#host.set(row, found.host);
    if (found.body) bodies.setBytes(row, found.body);
    else bodies.setRaw(row, head);
    return true;
  }

  #addInvalid(row: number, bodies: Bodies): void {
    this.#facility.set(row, '0');
    this.#severity.set(row, '0');
    bodies.setRaw(row, this.#head);
  }

  /** What is behind the priority. The first digit of a year may look like a version. */
  #readRest(bytes: Buffer): boolean {
    const head = this.#head;
    const at = head.afterPriority;
    const first = byteAt(bytes, at, head.end);
    head.version = -1;
    if (isDigit(first)) {
      head.version = at;
      if (this.#readTime(bytes, at + (isSpace(byteAt(bytes, at + 1, head.end)) ? 2 : 1))) {
        return this.#readHost(bytes);
      }
      head.version = -1;
    }
    return this.#readTime(bytes, isSpace(first) ? at + 1 : at) && this.#readHost(bytes);
  }

  /** The time at `from`, up to the blank behind it. */
  #readTime(bytes: Buffer, from: number): boolean {
    const head = this.#head;
    const { end } = head;
    const first = byteAt(bytes, from, end);
    let to = from;
    if (first === dash) {
      this.#time = undefined;
      to = from + 1;
    } else if (isDigit(first)) to = this.#readLongTime(bytes, from);
    else {
      to = this.#shortTimes.read(bytes, this.#view, from, end);
      this.#time = this.#shortTimes.text;
    }
    head.timeFrom = from;
    head.timeTo = to;
    return to > from && isSpace(byteAt(bytes, to, end));
  }

  /** A time of RFC 5424: gives where it ends, `from` when it is none. */
  #readLongTime(bytes: Buffer, from: number): number {
    const { end } = this.#head;
    const slot = this.#seconds.slotOf(bytes, this.#view, from, end);
    if (slot < 0) return from;
    let at = from + secondBytes;
    let fraction = -1;
    if (byteAt(bytes, at, end) === dot) {
      const first = at + 1;
      fraction = 0;
      for (at = first; at - first < maxFractionDigits; at++) {
        const byte = byteAt(bytes, at, end);
        if (!isDigit(byte)) break;
        if (at - first < 3) fraction = fraction * 10 + byte - zero;
      }
      if (at === first) return from;
    }
    const zone = byteAt(bytes, at, end);
    const hasOffset = (zone === plus || zone === dash) && isOffset(bytes, at, end);
    let time = this.#seconds.local(slot);
    if (fraction >= 0) time += fraction;
    else if (zone === letterZ) time = this.#seconds.utc(slot);
    else if (hasOffset) {
      const offset = offsetMs(bytes, at);
      // An offset that can't be is not looked at, so that the time is local.
      if (offset !== undefined) time = this.#seconds.utc(slot) - offset;
    }
    this.#time = this.#timeTexts.textOf(time);
    if (zone === letterZ) return at + 1;
    return hasOffset ? at + 6 : at;
  }

  /** The host behind the time, and the blank behind it. */
  #readHost(bytes: Buffer): boolean {
    const head = this.#head;
    const { end } = head;
    const from = head.timeTo + 1;
    let to = from;
    const first = byteAt(bytes, from, end);
    // Only RFC 5424 has a dash for a host, and never a time that begins with a letter.
    if (first === dash && !isCapital(bytes[head.timeFrom] as number)) to++;
    else if (isWord(first)) while (isOfHost(byteAt(bytes, to, end))) to++;
    head.hostFrom = from;
    head.hostTo = to;
    head.text = to + 1;
    return to > from && isSpace(byteAt(bytes, to, end));
  }
}

/** A byte of the message; 0, which is of no class, behind its end. */
function byteAt(bytes: Buffer, at: number, end: number): number {
  return at < end ? (bytes[at] as number) : 0;
}

/** Is `+hh:mm` there? */
function isOffset(bytes: Buffer, at: number, end: number): boolean {
  return (
    at + 6 <= end &&
    twoDigits(bytes, at + 1) >= 0 &&
    bytes[at + 3] === colon &&
    twoDigits(bytes, at + 4) >= 0
  );
}

/** Of `+hh:mm`; undefined when no clock shows that. */
function offsetMs(bytes: Buffer, at: number): number | undefined {
  const hours = twoDigits(bytes, at + 1);
  const minutes = twoDigits(bytes, at + 4);
  if (hours > 23 || minutes > 59) return undefined;
  const ms = (hours * 60 + minutes) * minuteMs;
  return bytes[at] === plus ? ms : -ms;
}
