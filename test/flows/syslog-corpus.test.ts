import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { SharedParser } from '../../src/formats/syslog/shared-parser.ts';
import { SyslogFrames } from '../../src/framing/syslog-frames.ts';
import { repositoryRoot } from '../../testbed/millrace.ts';

/*
 * Messages of other projects' tests. What they expect and Flume doesn't give is said where it is
 * left out: Flume takes no tag, app name or structured data out of the text.
 */

process.env['TZ'] = 'UTC';

const corpus = process.env['MILLRACE_CORPUS'] ?? join(repositoryRoot, '../shared/corpus');
const folder = join(corpus, 'logs/syslog');
const skip = !existsSync(folder) && `no messages at ${folder}; MILLRACE_CORPUS names the corpus`;

interface Case {
  readonly input_b64: string;
  readonly input: string;
  readonly valid?: boolean;
  readonly description?: string;
  readonly expected?: {
    readonly priority?: number;
    readonly facility?: number;
    readonly severity?: number;
    readonly version?: number;
    readonly hostname?: string;
    readonly timestamp?: string;
    readonly message?: string;
  };
}

function casesOf(name: string): Case[] {
  const lines = readFileSync(join(folder, name), 'utf8').trim().split('\n');
  return lines.map((line) => JSON.parse(line));
}

interface ParsedEvent {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** What syslogtcp makes of a stream. */
function eventsOf(stream: Buffer, kept: 'none' | 'all' = 'none'): ParsedEvent[] {
  const events: ParsedEvent[] = [];
  const parser = new SharedParser({ kept, reportBad: () => {} });
  const frames = new SyslogFrames({ maxBytes: 65_536, keepsCarriageReturn: false }, (run) => {
    const starts = run.starts.slice(0, run.count);
    const ends = run.ends.slice(0, run.count);
    const notes = run.cut.slice(0, run.count);
    const slab = Buffer.from(run.bytes);
    const messages = { slab, count: run.count, starts, ends, notes };
    const batch = parser.toBatch({ ...messages, headers: new Map(), at: Date.now() });
    for (const { headers, body } of batch) events.push({ headers, body: Buffer.from(body) });
  });
  frames.push(stream);
  frames.end();
  return events;
}

function onlyEvent({ input_b64: input }: Case): ParsedEvent {
  // A message with lines is one only where octets are counted.
  const message = Buffer.from(input, 'base64');
  const isFramed = message.includes(10) || message.includes(0);
  const stream = isFramed ? Buffer.concat([Buffer.from(`${message.length} `), message]) : message;
  const events = eventsOf(stream);
  assert.equal(events.length, 1);
  return events[0] as ParsedEvent;
}

describe('messages of other projects', { skip }, () => {
  test('of RFC 3164 give what they expect', () => {
    for (const each of casesOf('go-syslog-rfc3164.jsonl')) {
      const { headers, body } = onlyEvent(each);
      const { priority, facility, severity, hostname, message = '' } = each.expected ?? {};
      assert(each.valid);
      assert.equal(headers['priority'], String(priority));
      if (facility !== undefined) assert.equal(headers['Facility'], String(facility));
      assert.equal(headers['Severity'], String(severity));
      assert.equal(headers['host'], hostname);
      assert(/^\d{13}$/.test(headers['timestamp'] ?? ''), each.input);
      assert(body.toString().endsWith(message), each.input);
    }
  });

  test('of RFC 5424 give what they expect, where Flume has it', () => {
    let matched = 0;
    for (const each of casesOf('go-syslog-rfc5424.jsonl')) {
      const { headers, body } = onlyEvent(each);
      const bytes = Buffer.from(each.input_b64, 'base64');
      assert(bytes.subarray(bytes.length - body.length).equals(body) || each.input.includes('\n'));
      const { priority, version, hostname, timestamp, message } = each.expected ?? {};
      if (!each.valid || priority === undefined || headers['version'] === undefined) continue;
      matched++;
      assert.equal(headers['priority'], String(priority));
      assert.equal(headers['version'], String(version));
      assert.equal(headers['host'], hostname);
      // Flume's fractions are digits as milliseconds, in local time.
      if (timestamp === undefined) assert.equal(headers['timestamp'], undefined);
      else if (!/\.\d/.test(each.input.slice(0, 40))) {
        assert.equal(headers['timestamp'], String(Date.parse(timestamp)));
      }
      if (message !== undefined) assert(body.toString().endsWith(message), each.input);
    }
    // Those with a version of several digits are none of Flume's formats.
    assert(matched > 10, `${matched} of them`);
  });

  test('that are no messages are events all the same, and no byte is lost', () => {
    for (const name of ['go-syslog-rfc5424.jsonl', 'go-syslog-rfc3164.jsonl']) {
      for (const { input_b64: input } of casesOf(name)) {
        const bytes = Buffer.from(input, 'base64');
        const bodies = eventsOf(bytes, 'all').map(({ body }) => body.toString('latin1'));
        const lines = bytes.toString('latin1').split(/[\n\0]/);
        assert.deepEqual(bodies, lines.map((line) => line.replace(/\r+$/, '')).filter(Boolean));
      }
    }
  });

  test('with counted octets give every message, also after a wrong count', () => {
    const expected: Readonly<Record<string, readonly string[]>> = {
      '1st ml/2nd ko': ['<1>1 A B C D E -', 'xaaa'],
      '1st ok/2nd ok/3rd ok': [
        '<1>1 2003-10-11T22:14:15.003Z host.local - - - -',
        '<3>1 - host.local - - - -',
        '<2>1 - host.local su - - - κ\u1f79σμε',
      ],
      '1st ok/2nd ko': ['<1>1 - - - - - -', 'xaaa'],
      // The count is of characters: the rest comes behind it.
      '1st ok//utf8': ['<1>1 - - - - - - hellø', 'hellø'],
      '1st ko//incomplete SYSLOGMSG': ['<1>1'],
      '1st ok/2nd mf/3rd ok': ['<1>1 - - - - - -', '<2>12 A B C D E -', '<1>1 - - - - - -'],
    };
    const cases = casesOf('go-syslog-octet-counting.jsonl');
    assert.equal(cases.length, Object.keys(expected).length);
    for (const { description = '', input_b64: input } of cases) {
      const events = eventsOf(Buffer.from(input, 'base64'), 'all');
      const bodies = events.map(({ body }) => body.toString());
      assert.deepEqual(bodies, expected[description], description);
    }
  });

  test("in rsyslog's streams are found, one by line", () => {
    const stream = (name: string) => readFileSync(join(folder, 'rsyslog-framing', name));
    const cisco = eventsOf(stream('spframingfix.testdata'));
    assert.deepEqual(
      cisco.map(({ headers, body }) => [headers['priority'], body.toString()]),
      Array.from({ length: 20 }, (_, n) => ['181', `<181>${String(n).padStart(2, '0')}`]),
    );
    const numbers = eventsOf(stream('no_octet_counted.testdata'));
    assert.deepEqual(
      numbers.map(({ body }) => Number(body)),
      [...numbers.keys()],
    );
    assert.equal(numbers.length, 20);
    for (const name of readdirSync(join(folder, 'rsyslog-framing'))) {
      const lines = stream(name).toString('latin1').split('\n').filter(Boolean);
      const bodies = eventsOf(stream(name), 'all').map(({ body }) => body.toString('latin1'));
      assert.deepEqual(
        bodies,
        lines.map((line) => line.replace(/^ +</, '<')),
        name,
      );
    }
  });

  test('of rsyslog, whatever they are, come out as they went in', () => {
    const inputs = readFileSync(join(folder, 'rsyslog-parsertests.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .flatMap((line): string[] => JSON.parse(line).inputs ?? []);
    const seeds = readdirSync(join(folder, 'rsyslog-fuzz')).map((name) => {
      return readFileSync(join(folder, 'rsyslog-fuzz', name), 'utf8').trim();
    });
    assert(inputs.length > 20 && seeds.length > 5);
    for (const input of [...inputs, ...seeds]) {
      const lines = input.split(/[\n\0]/).map((line) => line.replace(/\r+$/, ''));
      const bodies = eventsOf(Buffer.from(input), 'all').map(({ body }) => body.toString());
      assert.deepEqual(
        bodies,
        lines.filter(Boolean).map((line) => line.replace(/^ +</, '<')),
      );
    }
  });

  test('without a priority are Invalid', () => {
    const log = readFileSync(join(folder, 'auth.log'));
    const events = eventsOf(log);
    const lines = log.toString('latin1').split('\n').filter(Boolean);
    assert.deepEqual(
      events.map(({ body }) => body.toString('latin1')),
      lines,
    );
    assert(events.every(({ headers }) => headers['flume.syslog.status'] === 'Invalid'));
  });
});
