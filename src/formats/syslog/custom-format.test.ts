import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CustomFormat, type CustomFormatConfig, customFormatProblems } from './custom-format.ts';
import { now } from './fake-messages.ts';

function configOf(options: Partial<CustomFormatConfig>): CustomFormatConfig {
  return {
    formatRegex: undefined,
    formatSearch: undefined,
    formatReplace: undefined,
    formatDateFormat: undefined,
    ...options,
  };
}

describe('a custom format', () => {
  const problems = (options: Partial<CustomFormatConfig>) => {
    return customFormatProblems(configOf(options)).map(({ key, severity = 'error' }) => {
      return `${key} ${severity}`;
    });
  };

  test('is good, or there is none', () => {
    assert.deepEqual(problems({}), []);
    assert.deepEqual(
      problems({
        formatRegex: '(.*)',
        formatSearch: 'a(b)',
        formatReplace: '$1\\$',
        formatDateFormat: 'yyyy',
      }),
      [],
    );
  });

  test('is refused where it cannot be meant, with the key that is wrong', () => {
    const formatRegex = '(.*)';
    assert.deepEqual(problems({ formatRegex: '(' }), ['format.regex error']);
    assert.deepEqual(problems({ formatRegex: '[a&&b]' }), ['format.regex error']);
    assert.deepEqual(problems({ formatRegex, formatDateFormat: 'ww' }), [
      'format.dateFormat error',
    ]);
    assert.deepEqual(problems({ formatRegex, formatSearch: 'a' }), ['format.search error']);
    assert.deepEqual(problems({ formatRegex, formatSearch: 'a', formatReplace: '$' }), [
      'format.replace error',
    ]);
    assert.deepEqual(problems({ formatDateFormat: 'yyyy' }), ['format.dateFormat warning']);
  });

  test('replaces in the time as Java does', () => {
    const timestampOf = (formatSearch: string, formatReplace: string, time: string) => {
      const format = new CustomFormat(
        configOf({
          formatRegex: '(x)(x)(.*)',
          formatSearch,
          formatReplace,
          formatDateFormat: 'yyyy-MM-dd X',
        }),
      );
      const found = format.match(Buffer.from(`xx${time}`), now, 'none');
      return found?.timestamp && new Date(Number(found.timestamp)).toISOString().slice(0, 10);
    };
    assert.equal(timestampOf('(\\d+)\\.(\\d+)\\.(\\d+)', '$3-$2-$1', '20.11.2026 Z'), '2026-11-20');
    assert.equal(timestampOf('(2)', '$10', '19-11-02 Z'), '0019-11-20');
    assert.equal(timestampOf('(x)?#', '2026$1', '#-11-20 Z'), '2026-11-20');
    assert.equal(timestampOf('/', '\\-', '2026/11/20 Z'), '2026-11-20');
  });

  test('matches the whole message, in UTF-8 where it is that, else byte by byte', () => {
    const format = new CustomFormat(configOf({ formatRegex: '(.)(.)(.)(.)(.+)' }));
    const match = (bytes: Buffer) => format.match(bytes, now, 'none');
    const utf8 = Buffer.from('äöü1größer');
    assert.deepEqual(match(utf8), {
      priority: 'ä',
      version: 'ö',
      timestamp: undefined,
      host: '1',
      body: Buffer.from('größer'),
    });
    const other = Buffer.from([49, 50, 51, 0xe4, 0xff, 0xfe]);
    assert.deepEqual(match(other)?.body, Buffer.from([0xff, 0xfe]));
    assert.equal(match(Buffer.from('1234')), undefined);
  });
});
