import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { EventBatch } from '../core/event-batch.ts';
import { Prng, seedFromEnvironment } from '../testing/prng.ts';
import { EscapedText, type EscapeOptions, type Expansion } from './escaped-text.ts';

type Headers = Readonly<Record<string, string>>;

const utc = { timeZone: 'UTC' };

function expanded(text: EscapedText, ...headers: Headers[]): Expansion {
  return text.expand(EventBatch.of(headers.map((each) => ({ headers: each, body: 'x' }))));
}

/** The text of one event. */
function filled(template: string, headers: Headers = {}, options: EscapeOptions = utc): unknown {
  const { values, problems } = expanded(new EscapedText(template, options), headers);
  assert.equal(problems.size, 0, problems.get(0));
  return values;
}

function at(time: string | number): Headers {
  return { timestamp: String(typeof time === 'string' ? Date.parse(time) : time) };
}

describe('a time escape', () => {
  const texts: Readonly<Record<string, string>> = {
    ...{ a: 'Sun', A: 'Sunday', b: 'Jan', B: 'January', c: 'Sun Jan 1 15:04:05 2012', d: '01' },
    ...{ e: '1', D: '01/01/12', H: '15', I: '03', j: '001', k: '15', l: '3', m: '01', M: '04' },
    ...{ n: '1', p: 'PM', s: '1325430245', S: '05', t: '1325430245678', y: '12', Y: '2012' },
    ...{ z: '+0000', '%': '%', q: '', '7': '', _: '' },
  };
  for (const [letter, text] of Object.entries(texts)) {
    test(`%${letter} is "${text}"`, () => {
      assert.equal(filled(`<%${letter}>`, { timestamp: '1325430245678' }), `<${text}>`);
    });
  }

  test('is that of the zone', () => {
    const time = at('2026-01-15T20:34:05Z');
    assert.equal(
      filled('%Y-%m-%d %H %z', time, { timeZone: 'Asia/Kolkata' }),
      '2026-01-16 02 +0530',
    );
    assert.equal(filled('%d %I%p %z', time, { timeZone: 'GMT-3:30' }), '15 05PM -0330');
    assert.equal(filled('%d %H', time, { timeZone: 'Nowhere' }), '15 20');
  });

  test('counts noon and midnight as twelve', () => {
    assert.equal(filled('%I %l %k %p', at('2026-01-15T00:10:00Z')), '12 12 0 AM');
    assert.equal(filled('%I %l %k %p', at('2026-01-15T12:10:00Z')), '12 12 12 PM');
  });

  test('counts the days of a leap year', () => {
    assert.equal(filled('%j', at('2028-12-31T00:00:00Z')), '366');
    assert.equal(filled('%j', at('2027-03-01T00:00:00Z')), '060');
    assert.equal(filled('%j', at('2028-03-01T00:00:00Z')), '061');
  });

  test('reads the header as a whole number of 64 bits', () => {
    assert.equal(filled('%s', { timestamp: '+00000000000005000' }), '5');
    assert.equal(filled('%s', { timestamp: '-1500' }), '-1');
    // Nanoseconds, where ms are meant: a far year, as in Flume.
    assert.equal(
      filled('%Y %s', { timestamp: '1767225600123456789' }),
      '56003119 1767225600123456',
    );
  });
});

test('a text that is used again is the one that a new one gives', () => {
  const random = new Prng(seedFromEnvironment());
  // Its clock goes on at 22:00, in the last hours of UTC's day or the first of the next.
  const zone = 'America/Nuuk';
  const change = Date.parse('2025-03-30T01:00:00Z');
  for (const letter of 'aAbBcdeDHIjklmnMpsStyYz') {
    for (const unit of [undefined, 'second', 'minute', 'hour'] as const) {
      const round = unit && { unit, value: 1 + random.integer(24) };
      const options = { timeZone: zone, round };
      const reused = new EscapedText(`%${letter}`, options);
      for (let run = 0; run < 40; run++) {
        const spread = random.pick([3000, 180_000, 10_000_000, 200_000_000]);
        const headers = at(change + random.integer(spread) - spread / 2);
        const text = `seed ${random.seed}: %${letter} of ${headers['timestamp']}`;
        assert.equal(
          expanded(reused, headers).values,
          filled(`%${letter}`, headers, options),
          text,
        );
      }
    }
  }
});

describe('a template', () => {
  const grammar: Readonly<Record<string, string>> = {
    '100%': '100%',
    '%': '%',
    '%{a b}': '%{a b}',
    '%{}': '%{}',
    '%-d': '%-d',
    '%[a b]': '%[a b]',
    '%é': '%é',
    'a%%{host}': 'a%{host}',
    '%%%H': '%15',
    '%{host}%{host}': 'h1h1',
    '%{a.b-c_1}': '$1\\',
    '%{gone}|': '|',
    '%{percent}': '%Y',
    '': '',
  };
  for (const [template, text] of Object.entries(grammar)) {
    test(`"${template}" becomes "${text}"`, () => {
      const headers = { host: 'h1', 'a.b-c_1': '$1\\', percent: '%Y' };
      assert.equal(filled(template, { ...headers, timestamp: '1325430245678' }), text);
    });
  }

  test('knows the machine, in any case', () => {
    const host = { name: 'web1', address: '10.0.0.1', fqdn: 'web1.example.org' };
    const text = filled('%[LocalHost] %[ip] %[FQDN]', {}, { host });
    assert.equal(text, 'web1 10.0.0.1 web1.example.org');
  });

  test('may know the machine by itself', () => {
    assert.match(String(filled('%[localhost]|%[IP]|%[FQDN]')), /^[^|]+\|[^|]+\|[^|]+$/);
  });

  test('is refused for another word', () => {
    assert.throws(() => new EscapedText('/%[hostname]', utc), /%\[hostname\] means nothing/);
  });

  test('says whether it needs the time', () => {
    assert(new EscapedText('%%', utc).usesTime);
    assert(new EscapedText('%t', utc).usesTime);
    assert(!new EscapedText('/logs/%{host}%', utc).usesTime);
  });
});

describe('rounding', () => {
  const rounded = (
    unit: 'second' | 'minute' | 'hour',
    value: number,
    time: string,
    timeZone = 'UTC',
    template = '%H:%M:%S',
  ) => filled(template, at(time), { timeZone, round: { unit, value } });

  test('is down to a multiple of the field', () => {
    assert.equal(rounded('minute', 10, '2026-01-15T07:04:05Z'), '07:00:00');
    assert.equal(rounded('second', 7, '2026-01-15T07:04:05Z'), '07:04:00');
    assert.equal(rounded('second', 7, '2026-01-15T07:04:59Z'), '07:04:56');
    assert.equal(rounded('minute', 60, '2026-01-15T07:59:59Z'), '07:00:00');
    assert.equal(rounded('hour', 24, '2026-01-15T23:59:59Z'), '00:00:00');
  });

  test('is that of the local field', () => {
    const kolkata = '2026-01-15T15:04:05Z';
    assert.equal(rounded('hour', 1, kolkata, 'Asia/Kolkata'), '20:00:00');
    assert.equal(rounded('hour', 5, '2026-01-15T15:04:05Z', 'America/Los_Angeles'), '05:00:00');
  });

  test('changes %s, but not %t', () => {
    const text = rounded('minute', 10, '2026-01-15T07:04:05.678Z', 'UTC', '%s %t');
    const ms = Date.parse('2026-01-15T07:00:00Z');
    assert.equal(text, `${ms / 1000} ${ms + 245_678}`);
  });

  test('takes the second of two hours with one name, as Java', () => {
    const text = (time: string) => rounded('minute', 30, time, 'Europe/Berlin', '%H:%M %z');
    assert.equal(text('2026-10-25T00:40:00Z'), '02:30 +0100');
    assert.equal(text('2026-10-25T01:40:00Z'), '02:30 +0100');
    assert.equal(text('2026-10-24T23:40:00Z'), '01:30 +0200');
  });

  test('to an hour that is skipped gives the one after it, as Java', () => {
    assert.equal(rounded('hour', 2, '2026-03-29T01:10:00Z', 'Europe/Berlin'), '03:00:00');
  });

  test('makes no difference to a text without a time', () => {
    const round = { unit: 'hour', value: 1 } as const;
    assert.equal(filled('/%{host}', { host: 'h1' }, { ...utc, round }), '/h1');
    assert.equal(filled('/', {}, { ...utc, round }), '/');
  });

  test('needs a time after 1970', () => {
    const round = { unit: 'hour', value: 1 } as const;
    const text = new EscapedText('%%', { ...utc, round });
    assert.match(expanded(text, { timestamp: '0' }).problems.get(0) ?? '', /has the time 0/);
    // Rounded, the first of these hours begins before 1970.
    const west = new EscapedText('%Y', { timeZone: 'GMT-0:30', round });
    const { values } = expanded(west, { timestamp: '1' }, { timestamp: '-5' });
    assert.deepEqual(values, ['1969', undefined]);
    assert.equal(filled('%s', { timestamp: '0' }), '0');
  });
});

describe('a clock that is changed', () => {
  test('shows an hour twice, or not at all', () => {
    const text = new EscapedText('%d %H %z', { timeZone: 'Europe/Berlin' });
    const times = ['2026-10-25T00:59:59.999Z', '2026-10-25T01:00:00Z', '2026-10-25T02:00:00Z'];
    assert.deepEqual(expanded(text, ...times.map(at)).values, [
      '25 02 +0200',
      '25 02 +0100',
      '25 03 +0100',
    ]);
    const spring = ['2026-03-29T00:59:59.999Z', '2026-03-29T01:00:00Z'];
    assert.deepEqual(expanded(text, ...spring.map(at)).values, ['29 01 +0100', '29 03 +0200']);
  });

  test('changes the offset within a day', () => {
    const text = new EscapedText('%d %z', { timeZone: 'Europe/Berlin' });
    const times = ['2026-10-25T00:00:00Z', '2026-10-25T12:00:00Z', '2026-10-25T00:30:00Z'];
    assert.deepEqual(expanded(text, ...times.map(at)).values, ['25 +0200', '25 +0100', '25 +0200']);
  });
});

describe('a batch', () => {
  const start = Date.parse('2026-01-15T07:00:00Z');
  const hour = new EscapedText('/%Y-%m-%d/%H/%{host}', utc);

  test('has one text where all its columns have one value', () => {
    const same = { ...at(start), host: 'h1' };
    assert.equal(expanded(hour, same, same).values, '/2026-01-15/07/h1');
  });

  test('has one text where its values make no difference', () => {
    const events = [1, 2, 3].map((ms) => ({ ...at(start + ms), host: 'h1' }));
    assert.equal(expanded(hour, ...events).values, '/2026-01-15/07/h1');
  });

  test('has a text per event else', () => {
    const { values } = expanded(
      hour,
      { ...at(start), host: 'h1' },
      { ...at(start + 3_600_000), host: 'h1' },
      { ...at(start), host: 'h2' },
      { ...at(start), host: 'h1' },
      at(start),
    );
    const [first, ...others] = values;
    assert.equal(first, '/2026-01-15/07/h1');
    assert.deepEqual(others, [
      ...['/2026-01-15/08/h1', '/2026-01-15/07/h2', '/2026-01-15/07/h1', '/2026-01-15/07/'],
    ]);
  });

  test('tells headers apart whose values together are the same', () => {
    const text = new EscapedText('%{a}/%{b}', utc);
    const events = [
      { a: 'x', b: 'y' },
      { a: 'y', b: 'x' },
      { a: 'x', b: 'x' },
      { b: 'y', a: 'x' },
    ];
    assert.deepEqual(expanded(text, ...events).values, ['x/y', 'y/x', 'x/x', 'x/y']);
  });

  test('has a problem for each event without a good time', () => {
    const { values, problems } = expanded(
      hour,
      { host: 'h1' },
      { ...at(start), host: 'h1' },
      { timestamp: '1.5', host: 'h1' },
      { ...at(start), host: 'h1' },
    );
    assert.deepEqual(values, [undefined, '/2026-01-15/07/h1', undefined, '/2026-01-15/07/h1']);
    assert.deepEqual(
      [...problems],
      [
        [0, 'has no header timestamp'],
        [2, 'has a header timestamp that is no number of ms: "1.5"'],
      ],
    );
  });

  for (const [name, timestamp] of Object.entries({
    'an empty one': '',
    'a fraction': '1.0',
    'an exponent': '1e3',
    'a blank': ' 1',
    'a sign alone': '+',
    'more than 64 bits': '9223372036854775808',
  })) {
    test(`has problems in all its events for one bad time: ${name}`, () => {
      const { values, problems } = expanded(hour, { timestamp }, { timestamp });
      assert.deepEqual(values, [undefined, undefined]);
      assert.deepEqual([...problems.keys()], [0, 1]);
    });
  }

  test('keeps its texts when an event between two has none', () => {
    const { values } = expanded(
      hour,
      { ...at(start), host: 'h1' },
      { timestamp: 'x', host: 'h2' },
      { ...at(start), host: 'h2' },
    );
    assert.deepEqual(values, ['/2026-01-15/07/h1', undefined, '/2026-01-15/07/h2']);
  });

  test('asks the clock once, and leaves the header alone', () => {
    let asked = 0;
    const now = () => start + 3_600_000 * asked++;
    const text = new EscapedText('%H %t %{host}', { ...utc, now });
    const events = [{ host: 'a', timestamp: 'x' }, { host: 'b' }];
    assert.deepEqual(expanded(text, ...events).values, [`07 ${start} a`, `07 ${start} b`]);
    assert.deepEqual(expanded(text, { host: 'c' }).values, `08 ${start + 3_600_000} c`);
    assert.equal(asked, 2);
  });

  test('may be empty', () => {
    const { problems } = hour.expand(EventBatch.empty);
    assert.equal(problems.size, 0);
  });

  test('may have more texts than are remembered', () => {
    const text = new EscapedText('/%H/%{id}', utc);
    const events = Array.from({ length: 10_000 }, (_none, id) => ({
      ...at(start + (id % 3) * 3_600_000),
      id: String(id % 6000),
    }));
    const expected = events.map(({ id }, row) => `/0${7 + (row % 3)}/${id}`);
    assert.deepEqual(expanded(text, ...events).values, expected);
    assert.deepEqual(expanded(text, ...events.slice(0, 9)).values, expected.slice(0, 9));
  });

  test('may have times of more hours than are remembered', () => {
    const text = new EscapedText('%j %H', utc);
    const rows = Array.from({ length: 3000 }, (_none, row) => (row * 7919) % 1000);
    const { values } = expanded(text, ...rows.map((each) => at(start + each * 3_600_000)));
    for (const [row, each] of rows.entries()) {
      const hours = 7 + each;
      const day = String(15 + Math.floor(hours / 24)).padStart(3, '0');
      assert.equal(values[row], `${day} ${String(hours % 24).padStart(2, '0')}`);
    }
  });
});
