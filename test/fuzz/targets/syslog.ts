import assert from 'node:assert/strict';
import { isUtf8 } from 'node:buffer';
import type { EventBatch } from '../../../src/core/event-batch.ts';
import { keptFields } from '../../../src/formats/syslog/keep-fields.ts';
import { MultiportParser } from '../../../src/formats/syslog/multiport-parser.ts';
import { SharedParser } from '../../../src/formats/syslog/shared-parser.ts';
import { eachMessage } from '../../../src/framing/syslog-datagram.ts';
import { SyslogFrames } from '../../../src/framing/syslog-frames.ts';
import type { FuzzTarget } from '../target.ts';

interface Frame {
  readonly bytes: Buffer;
  readonly isCut: boolean;
}

function framesOf(pieces: readonly Buffer[], maxBytes: number, keepsCarriageReturn: boolean) {
  const found: Frame[] = [];
  const frames = new SyslogFrames({ maxBytes, keepsCarriageReturn }, (run) => {
    for (let row = 0; row < run.count; row++) {
      const bytes = Buffer.from(run.bytes.subarray(run.starts[row], run.ends[row]));
      found.push({ bytes, isCut: run.cut[row] === 1 });
    }
  });
  for (const piece of pieces) frames.push(piece);
  frames.end();
  return found;
}

/** What neither of two framings may lose of a stream of lines: all but what stands between them. */
function contentOf(bytes: Buffer): string {
  return bytes.toString('latin1').replaceAll(/[\0\r\n ]/g, '');
}

/** Without order, so that the pieces of an input follow from the input itself. */
function piecesOf(input: Buffer): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0, step = input.length % 7; at < input.length; step = (step * 5 + 3) % 31) {
    pieces.push(input.subarray(at, at + step + 1));
    at += step + 1;
  }
  return pieces;
}

const lines = [
  '<13>Nov 20 10:11:12 box app[1]: a line\n<14>1 2026-11-20T10:11:12.5+01:00 h - - - x\r\n',
  '<13>one\0<14>two\0',
  '  <13>Cisco\n\n\nno syslog\n<191>Nov  5 10:11:12 h t',
];
const frames = [
  '12 <13>- h one\n36 <14>1 2026-11-20T10:11:12Z h - - x\r\n',
  '5 <1>ab16 <1>1 A B C D E -xaaa\n7 <2>half',
];
const tokens = ['<13>', '<191>1 ', '\n', '\r\n', '\0', ' ', '12 <1>', '4 ', '<', '>', '-', '0'];

export const syslogFramesTarget: FuzzTarget = {
  name: 'syslog-frames',
  tokens,
  seeds: () => [...lines, ...frames].map((text) => Buffer.from(text)),
  run: (input) => {
    const maxBytes = 3 + ((input.at(-1) ?? 0) % 64);
    const keepsCarriageReturn = input.length % 2 === 0;
    const whole = framesOf([input], maxBytes, keepsCarriageReturn);
    assert.deepEqual(framesOf(piecesOf(input), maxBytes, keepsCarriageReturn), whole);
    for (const { bytes } of whole) assert(bytes.length > 0 && bytes.length <= maxBytes);
    const counts = /^[\0\r\n]*[1-9]\d{0,6} <\d/.test(input.toString('latin1', 0, 100_000));
    const content = whole.map(({ bytes }) => contentOf(bytes)).join('');
    if (!counts) assert.equal(content, contentOf(input), 'nothing is lost');
    return `${counts} ${Math.min(9, whole.length)} ${whole.some(({ isCut }) => isCut)}`;
  },
};

const messages = [
  '<13>Nov 20 10:11:12 box app[1]: a line',
  '<14>1 2026-11-20T10:11:12.123456+01:00 h app 1 ID [a b="c"] x',
  '<14>1 - - - - - -\n<013>2026-11-20T10:11:12Z h é\n<99999>- h t\nno syslog\n<13>',
];

const digit = '[0-9]';
const date = `${digit}{4}-${digit}{2}-${digit}{2}T`;
const clock = `${digit}{2}:${digit}{2}:${digit}{2}`;
const host = '[A-Za-z0-9_][A-Za-z0-9_.@-]*';
const blank = '[ \\t\\n\\v\\f\\r]';
/** The formats of the shared parser, as patterns: another way to say the same. */
const formats = [
  new RegExp(
    `^<(${digit}{1,3})>(${digit}?)${blank}?` +
      `(?:(${date}${clock}(?:\\.${digit}{1,6})?(?:[+-]${digit}{2}:${digit}{2}|Z)?)|-)` +
      `${blank}(?:(${host})|-)${blank}([^]*)$`,
  ),
  new RegExp(
    `^<(${digit}{1,3})>(${digit}?)${blank}?` +
      `([A-Z][a-z][a-z]${blank}{1,2}${digit}{1,2}${blank}${clock})` +
      `${blank}(${host})${blank}([^]*)$`,
  ),
];

/** The messages of an input, as the intake gives them, beside each other. */
function messagesIn(input: Buffer) {
  const all = framesOf([input], 1 << 20, true).map(({ bytes }) => bytes);
  return {
    all,
    give: (rows = all) => {
      const ends = new Uint32Array(rows.length);
      let end = 0;
      for (const [row, bytes] of rows.entries()) ends[row] = end += bytes.length;
      const starts = ends.map((each, row) => each - (rows[row]?.length ?? 0));
      const slab = Buffer.concat(rows);
      const notes = new Uint8Array(rows.length);
      return { slab, count: rows.length, starts, ends, notes, headers: new Map(), at: 1.8e12 };
    },
  };
}

function eventOf(batch: EventBatch, row: number) {
  return { headers: batch.headersOf(row), body: Buffer.from(batch.body(row)) };
}

export const syslogSharedTarget: FuzzTarget = {
  name: 'syslog-shared',
  tokens: [...tokens, 'Nov  5 10:11:12 ', '2026-11-20T10:11:12', '.123456', '+01:00', 'Z'],
  seeds: () => messages.map((text) => Buffer.from(text)),
  run: (input) => {
    const { all, give } = messagesIn(input);
    const keepFields = ['none', 'all', 'hostname', 'priority timestamp'][input.length % 4] ?? '';
    const options = { kept: keptFields(keepFields), reportBad: () => {} };
    const batch = new SharedParser(options).toBatch(give());
    assert.equal(batch.length, all.length);
    const kinds = new Set<string>();
    for (const [row, message] of all.entries()) {
      const { headers, body } = eventOf(batch, row);
      if (row < 5) {
        const alone = new SharedParser(options).toBatch(give([message]));
        assert.deepEqual(eventOf(alone, 0), { headers, body });
      }
      const text = message.toString('latin1');
      const found = formats.map((format) => format.exec(text)).find((each) => each !== null);
      assert.equal(headers['priority'], /^<([0-9]{1,3})>/.exec(text)?.[1]);
      assert.equal(headers['version'], found?.[2] || undefined);
      assert.equal(headers['host'], found?.[4]);
      if (headers['timestamp'] !== undefined) assert(/^-?\d+$/.test(headers['timestamp']));
      const raw = !found || keepFields === 'all';
      if (raw || (keepFields === 'none' && found[5] === '')) assert.deepEqual(body, message);
      else assert(body.toString('latin1').endsWith(found[5] ?? ''));
      kinds.add(`${Object.keys(headers).length}${found?.[3]?.length ?? ''}`);
    }
    return [...kinds].sort().join(' ');
  },
};

export const syslogMultiportTarget: FuzzTarget = {
  name: 'syslog-multiport',
  tokens: [...tokens, 'Nov  5 10:11:12 ', '2026-11-20T10:11:12', '.123456', '+01:00', 'Z'],
  seeds: () => messages.map((text) => Buffer.from(text)),
  run: (input) => {
    const { all, give } = messagesIn(input);
    const charsets = [
      { isUtf8: true, decode: (bytes: Buffer) => (isUtf8(bytes) ? `${bytes}` : undefined) },
    ];
    const options = { kept: 'none' as const, charsets, reportBad: () => {} };
    const batch = new MultiportParser(options).toBatch(give());
    assert.equal(batch.length, all.length);
    const kinds = new Set<string>();
    for (const [row, message] of all.entries()) {
      const { headers, body } = eventOf(batch, row);
      if (row < 5) {
        const alone = new MultiportParser(options).toBatch(give([message]));
        assert.deepEqual(eventOf(alone, 0), { headers, body });
      }
      const isInvalid = headers['flume.syslog.status'] === 'Invalid';
      assert(message.subarray(message.length - body.length).equals(body));
      if (isInvalid) {
        assert.deepEqual(body, message);
        assert.deepEqual(Object.keys(headers), ['flume.syslog.status']);
      } else {
        assert(isUtf8(message));
        assert.equal(headers['Priority'], /^<([0-9]{1,5})>/.exec(message.toString())?.[1]);
        assert(/^-?\d+$/.test(headers['timestamp'] ?? ''));
      }
      kinds.add(`${isInvalid} ${headers['Version']} ${headers['timestamp'] === '0'}`);
    }
    return [...kinds].sort().join(', ');
  },
};

export const syslogDatagramTarget: FuzzTarget = {
  name: 'syslog-datagrams',
  tokens,
  seeds: () => [...lines, ...messages].map((text) => Buffer.from(text)),
  run: (input) => {
    const found: Buffer[] = [];
    let last = 0;
    eachMessage(input, (from, to) => {
      assert(from >= last && to > from && to <= input.length);
      last = to;
      found.push(input.subarray(from, to));
    });
    assert.equal(found.map(contentOf).join(''), contentOf(input), 'nothing is lost');
    return `${Math.min(9, found.length)}`;
  },
};
