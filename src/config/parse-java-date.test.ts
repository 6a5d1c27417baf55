import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { JavaDateParser } from './parse-java-date.ts';

process.env['TZ'] = 'America/New_York';

const now = Date.UTC(2026, 10, 24);

/** Pattern, text, and what Java 17 makes of it. */
const inJava: readonly (readonly [pattern: string, text: string, time: string | undefined])[] = [
  ['yyyy-MM-dd HH:mm:ss', '2026-11-20 10:11:12', '2026-11-20T15:11:12.000Z'],
  ['yyyy-MM-dd HH:mm:ss', '2026-11-20 10:11:12 and more', '2026-11-20T15:11:12.000Z'],
  ['yyyy-MM-dd HH:mm:ss', '2026-13-32 25:61:62', '2027-02-02T07:02:02.000Z'],
  ['yyyy-MM-dd HH:mm:ss', '2026-11-20T10:11:12', undefined],
  ['yyyy-MM-dd HH:mm:ss', '', undefined],
  ["yyyy-MM-dd'T'HH:mm:ss.SSSX", '2026-11-20T10:11:12.5+02', '2026-11-20T08:11:12.005Z'],
  ["yyyy-MM-dd'T'HH:mm:ssXXX", '2026-11-20T10:11:12-01:30', '2026-11-20T11:41:12.000Z'],
  ["yyyy-MM-dd'T'HH:mm:ssXXX", '2026-11-20T10:11:12Z', '2026-11-20T10:11:12.000Z'],
  ['dd/MMM/yyyy:HH:mm:ss Z', '20/nov/2026:10:11:12 +0500', '2026-11-20T05:11:12.000Z'],
  ['dd/MMM/yyyy:HH:mm:ss Z', '20/Nov/2026:10:11:12 -05', undefined],
  ['dd/MMM/yyyy:HH:mm:ss z', '20/Nov/2026:10:11:12 GMT', '2026-11-20T10:11:12.000Z'],
  ['yyyyMMddHHmmss', '20261120101112', '2026-11-20T15:11:12.000Z'],
  ['yyyyMMddHHmmssSSS', '20261120101112999', '2026-11-20T15:11:12.999Z'],
  ['d MMMM yyyy', '5 November 2026', '2026-11-05T05:00:00.000Z'],
  ['EEE MMM d HH:mm:ss yyyy', 'Fri Nov 20 10:11:12 2026', '2026-11-20T15:11:12.000Z'],
  ['MM/dd/yy hh:mm a', '11/20/26 12:30 AM', '2026-11-20T05:30:00.000Z'],
  ['MM/dd/yy hh:mm a', '11/20/46 12:30 pm', '2046-11-20T17:30:00.000Z'],
  ['MM/dd/yy hh:mm a', '11/20/47 01:30 pm', '1947-11-20T18:30:00.000Z'],
  ['yyyy-DDD', '2026-324', '2026-11-20T05:00:00.000Z'],
  ['kk:mm', '24:30', '1970-01-01T05:30:00.000Z'],
  ["HH'o''clock'", "10o'clock", '1970-01-01T15:00:00.000Z'],
];

describe('a SimpleDateFormat pattern', () => {
  for (const [pattern, text, expected] of inJava) {
    test(`${pattern} reads ${JSON.stringify(text)} as ${expected}`, () => {
      const time = new JavaDateParser(pattern).parse(text, now);
      assert.equal(time === undefined ? undefined : new Date(time).toISOString(), expected);
    });
  }

  test('is refused when it has a letter without meaning, or an open quote', () => {
    assert.throws(() => new JavaDateParser('yyyy-ww'), /the letter w/);
    assert.throws(() => new JavaDateParser("yyyy 'T"), /quote/);
  });
});
