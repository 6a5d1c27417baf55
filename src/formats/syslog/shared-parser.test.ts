import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CustomFormat } from './custom-format.ts';
import { eventsOf, messagesOf, now } from './fake-messages.ts';
import { keptFields } from './keep-fields.ts';
import { SharedParser } from './shared-parser.ts';

/* Values marked "seen" are those that Flume 1.11 gave for the same bytes. */

process.env['TZ'] = 'UTC';

function parse(lines: readonly string[], keepFields = 'none', at = now): Record<string, string>[] {
  const parser = new SharedParser({ kept: keptFields(keepFields), reportBad: () => {} });
  return eventsOf(
    parser.toBatch(
      messagesOf(
        lines.map((bytes) => ({ bytes })),
        at,
      ),
    ),
  );
}

const of13 = { Facility: '1', Severity: '5', priority: '13' };
const of34 = { Facility: '4', Severity: '2', priority: '34' };

const vectors: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  // Seen.
  '<13>Jan  5 10:11:12 myhost app: old': {
    ...of13,
    timestamp: '1767607872000',
    host: 'myhost',
    body: 'app: old',
  },
  '<34>1 2026-11-20T10:11:12.5+05:00 h5424 - - body': {
    ...of34,
    version: '1',
    timestamp: '1795169472005',
    host: 'h5424',
    body: '- - body',
  },
  '<34>1 2026-11-20T10:11:12+05:00 h5424 nofrac': {
    ...of34,
    version: '1',
    timestamp: '1795151472000',
    host: 'h5424',
    body: 'nofrac',
  },
  'not syslog': {
    Facility: '0',
    Severity: '0',
    'flume.syslog.status': 'Invalid',
    body: 'not syslog',
  },
  '<13>nofmt': { ...of13, body: '<13>nofmt' },
  '<13>Nov 20 10:11:12 onlyhost ': {
    ...of13,
    timestamp: '1795169472000',
    host: 'onlyhost',
    body: '<13>Nov 20 10:11:12 onlyhost ',
  },
  '<13>Nov 20 10:11:12 onlyhost': { ...of13, body: '<13>Nov 20 10:11:12 onlyhost' },
  // As the same rules say.
  '<13>Nov  5 10:11:12 h t': { ...of13, timestamp: '1793873472000', host: 'h', body: 't' },
  '<13>Nov 5 10:11:12 h t': { ...of13, timestamp: '1793873472000', host: 'h', body: 't' },
  '<13>Nov 05 10:11:12 h t': { ...of13, timestamp: '1793873472000', host: 'h', body: 't' },
  '<13>2 Nov 25 10:11:12 h t': {
    ...of13,
    version: '2',
    timestamp: '1795601472000',
    host: 'h',
    body: 't',
  },
  '<13>Xyz 20 10:11:12 h t': { ...of13, host: 'h', body: 't' },
  '<13>NOV 20 10:11:12 h t': { ...of13, body: '<13>NOV 20 10:11:12 h t' },
  '<13>Nov 20 25:61:62 h t': { ...of13, timestamp: '1795226522000', host: 'h', body: 't' },
  '<13>Nov 20 10:11:12 - t': { ...of13, body: '<13>Nov 20 10:11:12 - t' },
  '<13>Nov 20 10:11:12 fe80::1 t': { ...of13, body: '<13>Nov 20 10:11:12 fe80::1 t' },
  '<13>Nov 20 10:11:12 a_b.c-d@e  t': {
    ...of13,
    timestamp: '1795169472000',
    host: 'a_b.c-d@e',
    body: ' t',
  },
  '<13>1 - - t': { ...of13, version: '1', body: 't' },
  '<13>- h t': { ...of13, host: 'h', body: 't' },
  '<13>1 2026-11-20T10:11:12 h t': {
    ...of13,
    version: '1',
    timestamp: '1795169472000',
    host: 'h',
    body: 't',
  },
  '<13>2026-11-20T10:11:12Z h t': { ...of13, timestamp: '1795169472000', host: 'h', body: 't' },
  '<13>12026-11-20T10:11:12Z h t': {
    ...of13,
    version: '1',
    timestamp: '1795169472000',
    host: 'h',
    body: 't',
  },
  '<13>1 2026-11-20T10:11:12.123456Z h t': {
    ...of13,
    version: '1',
    timestamp: '1795169472123',
    host: 'h',
    body: 't',
  },
  '<13>1 2026-11-20T10:11:12.1234567Z h t': {
    ...of13,
    body: '<13>1 2026-11-20T10:11:12.1234567Z h t',
  },
  '<13>1 2026-11-20T10:11:12+25:00 h t': {
    ...of13,
    version: '1',
    timestamp: '1795169472000',
    host: 'h',
    body: 't',
  },
  '<013>- h t': { ...of13, priority: '013', host: 'h', body: 't' },
  '<0>- h t': { Facility: '0', Severity: '0', priority: '0', host: 'h', body: 't' },
  '<999>- h t': { Facility: '124', Severity: '7', priority: '999', host: 'h', body: 't' },
};

for (const bad of ['<', '<>', '<13', '<1x>- h t', '<1234>- h t', '13>- h t', '< 13>- h t', 'x']) {
  Object.assign(vectors, { [bad]: { ...vectors['not syslog'], body: bad } });
}

describe('the parser of syslogtcp and syslogudp', () => {
  for (const [line, expected] of Object.entries(vectors)) {
    test(`takes ${JSON.stringify(line)} as Flume does`, () => {
      assert.deepEqual(parse([line]), [expected]);
    });
  }

  test('gives the same for each message, whichever are beside it', () => {
    const lines = Object.keys(vectors);
    assert.deepEqual(parse(lines), Object.values(vectors));
    assert.deepEqual(parse(lines.toReversed()), Object.values(vectors).reverse());
    const twice = lines.flatMap((line) => [line, line]);
    assert.deepEqual(
      parse(twice),
      Object.values(vectors).flatMap((event) => [event, event]),
    );
  });

  test('a header that all events have is one value', () => {
    const parser = new SharedParser({ kept: 'none', reportBad: () => {} });
    const line = { bytes: '<13>Nov 20 10:11:12 h one' };
    const { headers } = parser.toBatch(messagesOf([line, line, line]));
    assert.deepEqual(Object.fromEntries(headers), {
      ...of13,
      timestamp: '1795169472000',
      host: 'h',
    });
  });

  test('lines end up beside each other, so that they can be written as one piece', () => {
    const parser = new SharedParser({ kept: 'none', reportBad: () => {} });
    const lines = ['<13>Nov 20 10:11:12 h one', '<13>- h two', 'bad', '<13>- h three'];
    const batch = parser.toBatch(messagesOf(lines.map((bytes) => ({ bytes }))));
    const [from, to] = batch.span();
    assert.equal(batch.slab.toString('utf8', from, to + 1), 'one\ntwo\nbad\nthree\n');
  });

  test('pieces of a message that lie beside each other stay as they are', () => {
    const pieces = ['no syslog', '\nthe rest', '\n<13>- h more', '<13>- h last'];
    const messages = messagesOf(pieces.map((bytes, row) => ({ bytes, isCut: row < 3 })));
    const parser = new SharedParser({ kept: 'none', reportBad: () => {} });
    const bodies = eventsOf(parser.toBatch(messages)).map(({ body }) => body);
    assert.deepEqual(bodies, ['no syslog', '\nthe rest', '\n<13>- h more', 'last']);
  });

  test('what is not whole is marked, and bad ones are counted', () => {
    const reports: unknown[] = [];
    const parser = new SharedParser({ kept: 'none', reportBad: (bad) => reports.push(bad) });
    const batch = parser.toBatch(
      messagesOf([
        { bytes: '<13>- h cut', isCut: true },
        { bytes: 'the rest' },
        { bytes: 'bad and cut', isCut: true },
        { bytes: '<13>- h good' },
      ]),
    );
    assert.deepEqual(
      eventsOf(batch).map((event) => [event['flume.syslog.status'], event['body']]),
      [
        ['Incomplete', 'cut'],
        ['Invalid', 'the rest'],
        ['Invalid', 'bad and cut'],
        [undefined, 'good'],
      ],
    );
    assert.deepEqual(reports, [{ invalid: 2, cut: 2 }]);
  });

  test('no byte of a body is changed', () => {
    const parser = new SharedParser({ kept: 'none', reportBad: () => {} });
    const text = Buffer.from([0xff, 0xc3, 0x28, 13, 9, 0x85, 10, 0xe2, 0x80, 0xa8, 13]);
    const bytes = Buffer.concat([Buffer.from('<13>Nov 20 10:11:12 h '), text]);
    const batch = parser.toBatch(messagesOf([{ bytes }]));
    assert.deepEqual(batch.body(0), text);
    assert.equal(batch.header(0, 'host'), 'h');
  });

  test('the headers of the sender win', () => {
    const parser = new SharedParser({ kept: 'none', reportBad: () => {} });
    const messages = messagesOf([{ bytes: '<13>- h one' }]);
    const batch = parser.toBatch({ ...messages, headers: new Map([['host', '10.0.0.9']]) });
    assert.equal(batch.header(0, 'host'), '10.0.0.9');
  });
});

describe('the year of a time without one', () => {
  const timestamps = (line: string, at: number) => {
    return new Date(Number(parse([line], 'none', at)[0]?.['timestamp'])).toISOString().slice(0, 10);
  };
  const years: readonly (readonly [line: string, at: string, expected: string])[] = [
    ['<13>Nov 24 10:00:00 h t', '2026-11-24T12:00:00Z', '2026-11-24'],
    ['<13>Dec 24 11:59:59 h t', '2026-11-24T12:00:00Z', '2026-12-24'],
    ['<13>Dec 24 12:00:01 h t', '2026-11-24T12:00:00Z', '2025-12-24'],
    ['<13>Dec 31 23:59:59 h t', '2027-01-01T00:00:00Z', '2026-12-31'],
    ['<13>Jan  1 00:00:01 h t', '2026-12-31T23:59:59Z', '2027-01-01'],
    ['<13>Jan 31 11:00:00 h t', '2026-12-31T12:00:00Z', '2027-01-31'],
    ['<13>Feb  1 11:00:00 h t', '2026-12-31T12:00:00Z', '2026-02-01'],
    ['<13>Feb 29 11:00:00 h t', '2028-03-31T12:00:00Z', '2028-02-29'],
    ['<13>Feb 29 11:00:00 h t', '2025-01-15T12:00:00Z', '2024-02-29'],
  ];
  for (const [line, at, expected] of years) {
    test(`${line} at ${at} is of ${expected.slice(0, 4)}`, () => {
      assert.equal(timestamps(line, Date.parse(at)), expected);
    });
  }

  test('what was read in one second is read anew in another', () => {
    const parser = new SharedParser({ kept: 'none', reportBad: () => {} });
    const at = Date.parse('2026-11-24T12:00:00Z');
    const line = { bytes: '<13>Dec 24 12:00:00 h t' };
    const timestamp = (time: number) => {
      return parser.toBatch(messagesOf([line], time)).header(0, 'timestamp');
    };
    assert.equal(timestamp(at - 1), String(Date.parse('2025-12-24T12:00:00Z')));
    assert.equal(timestamp(at), String(Date.parse('2026-12-24T12:00:00Z')));
  });
});

describe('a time without a zone is local', () => {
  const inBerlin = (line: string) => {
    process.env['TZ'] = 'Europe/Berlin';
    try {
      return parse([line])[0]?.['timestamp'];
    } finally {
      process.env['TZ'] = 'UTC';
    }
  };
  const times: Readonly<Record<string, string>> = {
    '<13>Nov 20 10:11:12 h t': '2026-11-20T09:11:12Z',
    '<13>Jul 20 10:11:12 h t': '2026-07-20T08:11:12Z',
    '<13>2026-07-20T10:11:12 h t': '2026-07-20T08:11:12Z',
    '<13>2026-07-20T10:11:12+00:00 h t': '2026-07-20T10:11:12Z',
    // Local, since it has a fraction: seen.
    '<13>2026-07-20T10:11:12.000Z h t': '2026-07-20T08:11:12Z',
    // There was no such hour; this one was there twice: as Java has them.
    '<13>2026-03-29T02:30:00 h t': '2026-03-29T01:30:00Z',
    '<13>2026-10-25T02:30:00 h t': '2026-10-25T01:30:00Z',
  };
  for (const [line, expected] of Object.entries(times)) {
    test(`${line} in Berlin is ${expected}`, () => {
      assert.equal(inBerlin(line), String(Date.parse(expected)));
    });
  }
});

describe('keepFields', () => {
  const long = '<13>1 2026-11-20T10:11:12Z host.example - text';
  const short = '<13>Nov  5 10:11:12 h text';
  const odd = '<13> Nov 20 10:11:12\th\ttext';
  const cases: readonly (readonly [string, readonly string[]])[] = [
    ['none', ['- text', 'text', 'text']],
    ['FALSE', ['- text', 'text', 'text']],
    [' all ', [long, short, odd]],
    ['true', [long, short, odd]],
    ['hostname', ['host.example - text', 'h text', 'h text']],
    [
      // Seen.
      'timestamp hostname',
      [long.slice(6), short.slice(4), 'Nov 20 10:11:12 h text'],
    ],
    ['version,timestamp,hostname', [long.slice(4), short.slice(4), 'Nov 20 10:11:12 h text']],
    ['priority version timestamp hostname', [long, short, '<13>Nov 20 10:11:12 h text']],
    ['timestamp', ['2026-11-20T10:11:12Z - text', 'Nov  5 10:11:12 text', 'Nov 20 10:11:12 text']],
    ['priority hostname', ['<13>host.example - text', '<13>h text', '<13>h text']],
    ['version', ['1 - text', 'text', 'text']],
  ];
  for (const [keepFields, bodies] of cases) {
    test(`${keepFields} keeps what it says`, () => {
      const lines = [long, short, odd];
      assert.deepEqual(
        parse(lines, keepFields).map(({ body }) => body),
        bodies,
      );
      for (const [index, line] of lines.entries()) {
        assert.equal(parse([line], keepFields)[0]?.['body'], bodies[index]);
      }
    });
  }

  test('what is missing is a dash, and an empty text is no reason for all of it', () => {
    assert.equal(parse(['<13>1 - - text'], 'timestamp hostname')[0]?.['body'], '- - text');
    assert.equal(parse(['<13>Nov 20 10:11:12 h '], 'hostname')[0]?.['body'], 'h ');
    assert.equal(parse(['<13>Nov 20 10:11:12 h '], 'priority')[0]?.['body'], '<13>');
    assert.equal(parse(['<13>nofmt'], 'hostname')[0]?.['body'], '<13>nofmt');
  });

  test('many bodies that are put together are kept apart', () => {
    const lines = Array.from(
      { length: 500 },
      (_, n) => `<13>Nov 20 10:11:12 h${n} ${'x'.repeat(n)}`,
    );
    const bodies = parse(lines, 'priority hostname').map(({ body }) => body);
    assert.deepEqual(
      bodies,
      lines.map((line) => line.replace('Nov 20 10:11:12 ', '')),
    );
  });
});

describe('a custom format', () => {
  const format = new CustomFormat({
    formatRegex: '<(\\d+)>(\\d?)\\[(.*?)\\] (\\S+): (.*)',
    formatSearch: '(\\d+)/(\\w+)/(\\d+)',
    formatReplace: '$3-$2-$1\\$',
    formatDateFormat: "yyyy-MMM-dd'$' HH:mm:ss",
  });
  const parseCustom = (lines: readonly string[], keepFields = 'none') => {
    const kept = keptFields(keepFields);
    const parser = new SharedParser({ kept, format, reportBad: () => {} });
    return eventsOf(parser.toBatch(messagesOf(lines.map((bytes) => ({ bytes })))));
  };
  const line = '<13>1[20/Nov/2026 10:11:12] box: größer';

  test('comes first, and the standard ones are there still', () => {
    assert.deepEqual(parseCustom([line, '<13>Nov 20 10:11:12 h t', 'bad']), [
      { ...of13, version: '1', timestamp: '1795169472000', host: 'box', body: 'größer' },
      { ...of13, timestamp: '1795169472000', host: 'h', body: 't' },
      { ...vectors['not syslog'], body: 'bad' },
    ]);
  });

  test('gives no timestamp for a time that its pattern does not read', () => {
    assert.deepEqual(parseCustom(['<13>[soon] box: t']), [{ ...of13, host: 'box', body: 't' }]);
  });

  test('keeps fields', () => {
    assert.equal(
      parseCustom([line], 'timestamp hostname')[0]?.['body'],
      '20/Nov/2026 10:11:12 box größer',
    );
    assert.equal(parseCustom([line], 'all')[0]?.['body'], line);
  });
});
