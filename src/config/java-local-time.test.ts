import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { plusMonths, wallTime } from './java-local-time.ts';

const zone = process.env['TZ'];

afterEach(() => {
  if (zone === undefined) delete process.env['TZ'];
  else process.env['TZ'] = zone;
});

function local(text: string): string {
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = (
    text.match(/\d+/g) ?? []
  ).map(Number);
  const wall = { year, month: month - 1, day, hour, minute, second };
  return new Date(wallTime('local', wall)).toISOString().replace('.000Z', 'Z');
}

/** What Java 17 gives for them. */
const inJava: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'Europe/Berlin': {
    '2026-01-15 10:11:12': '2026-01-15T09:11:12Z',
    '2026-07-15 10:11:12': '2026-07-15T08:11:12Z',
    '2026-03-29 02:30:00': '2026-03-29T01:30:00Z',
    '2026-10-25 02:30:00': '2026-10-25T01:30:00Z',
    '2026-10-25 01:59:59': '2026-10-24T23:59:59Z',
    '2026-13-32 25:61:62': '2027-02-02T01:02:02Z',
  },
  'America/New_York': {
    '2026-03-08 02:30:00': '2026-03-08T07:30:00Z',
    '2026-11-01 01:30:00': '2026-11-01T06:30:00Z',
  },
  'Australia/Lord_Howe': {
    '2026-04-05 01:45:00': '2026-04-04T15:15:00Z',
    '2026-10-04 02:15:00': '2026-10-03T15:45:00Z',
  },
};

describe('what a clock on the wall shows', () => {
  for (const [name, times] of Object.entries(inJava)) {
    for (const [wall, expected] of Object.entries(times)) {
      test(`${wall} in ${name} is ${expected}, as in Java`, () => {
        process.env['TZ'] = name;
        assert.equal(local(wall), expected);
      });
    }
  }

  test('the first years are those years', () => {
    const wall = { year: 26, month: 0, day: 2, hour: 3, minute: 4, second: 5 };
    process.env['TZ'] = 'UTC';
    assert.equal(new Date(wallTime('utc', wall)).toISOString(), '0026-01-02T03:04:05.000Z');
    assert.equal(wallTime('local', wall), wallTime('utc', wall));
  });
});

describe('so many months later', () => {
  const shifted = (time: string, months: number) => {
    return new Date(plusMonths('local', Date.parse(time), months)).toISOString().slice(0, 19);
  };

  test('it is the same time of the same day', () => {
    process.env['TZ'] = 'Europe/Berlin';
    assert.equal(shifted('2026-11-24T12:00:00Z', -1), '2026-10-24T11:00:00');
    assert.equal(shifted('2026-11-24T12:00:00Z', 11), '2027-10-24T11:00:00');
    assert.equal(shifted('2026-11-24T12:00:00Z', 1), '2026-12-24T12:00:00');
  });

  test('it is the last day of a month that is too short', () => {
    process.env['TZ'] = 'UTC';
    assert.equal(shifted('2026-03-31T12:00:00Z', -1), '2026-02-28T12:00:00');
    assert.equal(shifted('2028-01-31T12:00:00Z', 1), '2028-02-29T12:00:00');
  });
});
