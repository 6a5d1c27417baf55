import { isAscii, isUtf8 } from 'node:buffer';
import { type Column, EventBatch } from '../../core/event-batch.ts';
import { Bodies } from './bodies.ts';
import { blank, colon, dash, dot, isCapital, isDigit, twoDigits, zero } from './bytes.ts';
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

/** How the bytes of a message are text. ASCII is ASCII in it. */
export interface MessageCharset {
  /** UTF-8: many messages can be looked at together. */
  readonly isUtf8: boolean;
  /** The text; undefined when it is none. */
  decode(bytes: Buffer): string | undefined;
}

export interface MultiportParserOptions {
  readonly kept: KeptFields;
  /** The first is the default. A message's note says which it has: see `charsetNote`. */
  readonly charsets: readonly MessageCharset[];
  readonly reportBad: ReportBad;
}

/** So many character sets can be told apart by notes. */
export const maxCharsets = 128;

/** What is noted with a message in the charset with this index. */
export function charsetNote(index: number): number {
  return index * (cutNote + 1);
}

const mostPriorityDigits = 5;
const shortTimeBytes = 15;
const minuteMs = 60_000;
const plus = 43;
const one = 49;

/**
 * The parser of Flume's multiport_syslogtcp (class `SyslogParser`), with its header names:
 *
 *   message => "<" 1*5 digits ">" ["1 "] time host blank text
 *     time  => "-" any            now
 *            | capital …          of RFC 3164 and a byte behind it: by UTC's clock; 0 when wrong
 *            | other… blank       of RFC 5424: yyyy-MM-ddThh:mm:ss ["." digits] any zone
 *     host  => up to a blank, and so perhaps nothing
 *
 * Anything else, and what is no text in its charset, is `Invalid`, with all of it as body.
 */
export class MultiportParser {
  readonly #kept: KeptFields;
  readonly #charsets: readonly MessageCharset[];
  readonly #reportBad: ReportBad;
  readonly #head = new Head();
  readonly #shortTimes = new ShortTimes('utc', 'strict');
  readonly #seconds = new Seconds('strict');
  readonly #timeTexts = new TimeTexts();
  readonly #hosts = new Texts();
  readonly #priority = new TextColumn('Priority');
  readonly #facility = new TextColumn('Facility');
  readonly #severity = new TextColumn('Severity');
  readonly #version = new TextColumn('Version');
  readonly #timestamp = new TextColumn('timestamp');
  readonly #host = new TextColumn('host');
  readonly #status = new TextColumn(statusHeader);
  readonly #columns = [
    ...[this.#priority, this.#facility, this.#severity, this.#version],
    ...[this.#timestamp, this.#host, this.#status],
  ];
  /** The memory at hand, for who looks at several bytes at once. */
  #view: DataView = new DataView(new ArrayBuffer(0));
  /** When the batch came, and the time of the message at hand. */
  #now = '';
  #time = '';

  constructor({ kept, charsets, reportBad }: MultiportParserOptions) {
    this.#kept = kept;
    this.#charsets = charsets;
    this.#reportBad = reportBad;
  }

  toBatch(messages: SyslogMessages): EventBatch {
    const { slab, count, starts, ends, notes, headers, at } = messages;
    this.#shortTimes.setNow(at);
    this.#view = new DataView(slab.buffer, slab.byteOffset, slab.length);
    this.#now = String(at);
    for (const column of this.#columns) column.begin(count);
    const bodies = new Bodies(messages, this.#kept);
    const head = this.#head;
    const isAllAscii = isAscii(spanOf(messages));
    const isAllText = isAllAscii || this.#isUtf8Throughout(messages);
    let invalid = 0;
    let cut = 0;
    for (let row = 0; row < count; row++) {
      const note = notes[row] as number;
      const charset = this.#charsets[note >> 1];
      head.start = starts[row] as number;
      head.end = ends[row] as number;
      const isCut = (note & cutNote) !== 0;
      if (isCut) cut++;
      const isText = isAllText || charset?.decode(slab.subarray(head.start, head.end));
      if (isText && this.#read(slab)) {
        if (isCut) this.#status.set(row, incompleteStatus);
        this.#addValid(row, slab, bodies, isAllAscii ? undefined : charset);
      } else {
        invalid++;
        this.#status.set(row, invalidStatus);
        bodies.setRaw(row, head);
      }
    }
    if (invalid + cut > 0) this.#reportBad({ invalid, cut });
    const table = new Map<string, Column>();
    for (const column of this.#columns) column.addTo(table);
    return new EventBatch(bodies.finish(), starts, ends, withSenders(table, headers));
  }

  #addValid(row: number, bytes: Buffer, bodies: Bodies, charset: MessageCharset | undefined): void {
    const head = this.#head;
    const { hostFrom, hostTo } = head;
    this.#priority.set(row, priorityText(head));
    this.#facility.set(row, numberText(head.priority >> 3));
    this.#severity.set(row, numberText(head.priority & 7));
    if (head.version >= 0) this.#version.set(row, '1');
    this.#timestamp.set(row, this.#time);
    const host = charset && bytes.subarray(hostFrom, hostTo);
    const decoded = host && !isAscii(host) ? charset.decode(host) : undefined;
    this.#host.set(row, decoded ?? this.#hosts.textOf(bytes, this.#view, hostFrom, hostTo));
    if (head.text === head.end) bodies.setRaw(row, head);
    else bodies.set(row, head);
  }

  #read(bytes: Buffer): boolean {
    const head = this.#head;
    const { end } = head;
    if (!readPriority(bytes, head, mostPriorityDigits)) return false;
    let at = head.afterPriority;
    if (at >= end) return false;
    head.version = -1;
    if (bytes[at] === one && bytes[at + 1] === blank && at + 2 < end) {
      head.version = at;
      at += 2;
    }
    head.timeFrom = at;
    const first = bytes[at] as number;
    if (first === dash) {
      this.#time = this.#now;
      head.timeTo = at + 1;
    } else if (isCapital(first)) this.#readShortTime(bytes, at);
    else if (!this.#readLongTime(bytes, at)) return false;
    // Whatever byte is behind the time is stepped over.
    if (end <= head.timeTo || (first === dash && end <= at + 2)) return false;
    head.hostFrom = head.timeTo + 1;
    head.hostTo = indexOfBlank(bytes, head.hostFrom, end);
    head.text = head.hostTo + 1;
    return head.hostTo < end;
  }

  /** Sets where it ends, beyond the message when that is too short. */
  #readShortTime(bytes: Buffer, from: number): void {
    const to = this.#shortTimes.read(bytes, this.#view, from, this.#head.end);
    this.#time = (to > from && this.#shortTimes.text) || '0';
    this.#head.timeTo = to > from ? to : from + shortTimeBytes;
  }

  #readLongTime(bytes: Buffer, from: number): boolean {
    const to = indexOfBlank(bytes, from, this.#head.end);
    this.#head.timeTo = to;
    // Without a zone it is none.
    if (to === this.#head.end || to - from <= secondBytes) return false;
    const slot = this.#seconds.slotOf(bytes, this.#view, from, to);
    if (slot < 0) return false;
    let time = this.#seconds.utc(slot);
    let at = from + secondBytes;
    if (bytes[at] === dot) {
      const first = at + 1;
      let unit = 100;
      for (at = first; at < to && isDigit(bytes[at] as number); at++) {
        time += Math.floor(unit) * ((bytes[at] as number) - zero);
        unit /= 10;
      }
      if (at === first || at === to) return false;
    }
    const zone = bytes[at];
    if (zone === plus || zone === dash) {
      const isOffset = at + 6 <= to && bytes[at + 3] === colon;
      const hours = twoDigits(bytes, at + 1);
      const minutes = twoDigits(bytes, at + 4);
      if (!isOffset || hours < 0 || minutes < 0) return false;
      const offset = (hours * 60 + minutes) * minuteMs;
      time -= zone === plus ? offset : -offset;
    }
    this.#time = this.#timeTexts.textOf(time);
    return true;
  }

  /** Is every message UTF-8 by itself? False: perhaps not. */
  #isUtf8Throughout(messages: SyslogMessages): boolean {
    const { slab, count, starts, notes } = messages;
    for (let row = 0; row < count; row++) {
      if (!this.#charsets[(notes[row] as number) >> 1]?.isUtf8) return false;
      // What is cut must not pass for whole with what the next message begins with.
      if ((slab[starts[row] as number] as number) > 127) return false;
    }
    return isUtf8(spanOf(messages));
  }
}

/** From the first message to the last; the bytes between them are ASCII. */
function spanOf({ slab, count, starts, ends }: SyslogMessages): Buffer {
  return slab.subarray(starts[0], ends[count - 1]);
}

/** The end when there is none. */
function indexOfBlank(bytes: Buffer, from: number, end: number): number {
  let at = from;
  while (at < end && bytes[at] !== blank) at++;
  return at;
}
