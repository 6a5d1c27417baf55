import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isJavaTimeZone, javaTimeZone } from './java-time-zone.ts';

const winter = Date.UTC(2026, 0, 15);
const summer = Date.UTC(2026, 6, 15);

function hours(id: string, time = winter): number {
  return javaTimeZone(id).offsetMs(time) / 3_600_000;
}

describe('an id of a time zone', () => {
  test('is that of a region, with its summer', () => {
    assert.equal(hours('Europe/Berlin'), 1);
    assert.equal(hours('Europe/Berlin', summer), 2);
    assert.equal(hours('Asia/Kolkata'), 5.5);
    assert.equal(hours('America/Port-au-Prince'), -5);
    assert.equal(hours('US/Pacific'), -8);
    assert.equal(hours('Etc/GMT+8'), -8);
    assert.equal(hours('Africa/Monrovia', Date.UTC(1971, 0, 1)), -(44 * 60 + 30) / 3600);
  });

  test('is one of the old abbreviations, as Java means them', () => {
    const winters = { PST: -8, EST: -5, MST: -7, CST: -6, IST: 5.5, BST: 6, ECT: 1, NST: 13 };
    for (const [id, offset] of Object.entries(winters)) assert.equal(hours(id), offset, id);
    assert.equal(hours('PST', summer), -7);
    assert.equal(hours('EST', summer), -5);
  });

  const offsets: Readonly<Record<string, number>> = {
    'GMT+8': 8,
    'GMT-08': -8,
    'GMT+08:30': 8.5,
    'GMT-3:30': -3.5,
    'GMT+1130': 11.5,
    'GMT-930': -9.5,
    'GMT+23:59': 23 + 59 / 60,
    'GMT+:30': 0.5,
    'GMT+0': 0,
  };
  for (const [id, offset] of Object.entries(offsets)) {
    test(`${id} is ${offset} hours ahead of UTC`, () => {
      assert.equal(hours(id), offset);
      assert(isJavaTimeZone(id));
    });
  }

  const unknown = [
    ...['', 'Europe/Nowhere', 'europe/berlin', 'EUROPE/BERLIN', 'pst', 'Us/Pacific', 'ROC'],
    ...['+08:00', 'UTC+8', 'GMT8', 'GMT+', 'GMT+24', 'GMT+8:5', 'GMT+008:00', 'GMT+8:60', 'GMT+:'],
    ...[' Europe/Berlin', 'Isle_Of_Man', 'Europe/Isle_Of_Man'],
  ];
  for (const id of unknown) {
    test(`"${id}" is none, and GMT, as in Java`, () => {
      assert.equal(hours(id, summer), 0);
      assert(!isJavaTimeZone(id));
    });
  }

  test('may be missing: then it is the zone of the machine', (t) => {
    const before = process.env['TZ'];
    t.after(() => {
      if (before === undefined) delete process.env['TZ'];
      else process.env['TZ'] = before;
    });
    process.env['TZ'] = 'Asia/Tokyo';
    assert.equal(javaTimeZone(undefined).offsetMs(winter), 9 * 3_600_000);
  });
});

describe('an offset', () => {
  const change = Date.parse('2026-10-25T01:00:00Z');
  const berlin = javaTimeZone('Europe/Berlin');

  test('holds until the clock is changed, and from then on', () => {
    const before = berlin.spanAt(change - 1);
    const after = berlin.spanAt(change);
    assert.equal(before.offsetMs, 7_200_000);
    assert.equal(before.to, change);
    assert.equal(after.offsetMs, 3_600_000);
    assert.equal(after.from, change);
    assert.equal(berlin.offsetMs(change - 1), 7_200_000);
  });

  test('is right for more days than are remembered', () => {
    for (let day = 0; day < 1000; day += 7) {
      const time = winter + day * 86_400_000;
      const isSummer = new Date(time).getUTCMonth() > 3 && new Date(time).getUTCMonth() < 9;
      if (isSummer) assert.equal(berlin.offsetMs(time), 7_200_000);
    }
    for (let day = 0; day < 1000; day++) berlin.offsetMs(winter + day * 86_400_000);
    assert.equal(berlin.offsetMs(winter), 3_600_000);
    assert.equal(berlin.offsetMs(summer), 7_200_000);
  });
});
