import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { eachMessage } from './syslog-datagram.ts';

function messagesIn(text: string): string[] {
  const bytes = Buffer.from(text, 'latin1');
  const found: string[] = [];
  eachMessage(bytes, (from, to) => found.push(bytes.toString('latin1', from, to)));
  return found;
}

describe('the messages of a datagram', () => {
  const cases: readonly (readonly [title: string, input: string, expected: readonly string[]])[] = [
    ['it is one', '<13>a', ['<13>a']],
    ['what ends it is no content', '<13>a\r\n\0\n', ['<13>a']],
    ['lines that belong to it stay in it', '<13>a\n\tat b\n\n<c>\n', ['<13>a\n\tat b\n\n<c>']],
    ['a line with a priority begins another', '<13>a\n<14>b\n<999>c', ['<13>a', '<14>b', '<999>c']],
    ['each may have lines', '<13>a\nb\r\n<14>c\nd', ['<13>a\nb', '<14>c\nd']],
    ['what has no priority is one, too', 'a\nb', ['a\nb']],
    [
      'a priority that is none begins nothing',
      '<13>a\n<1234>b\n<>c\n<',
      ['<13>a\n<1234>b\n<>c\n<'],
    ],
    ['nothing is none', '', []],
    ['what ends a message is none', '\n\0\r\n', []],
    ['blanks are content', '  <13>a ', ['  <13>a ']],
  ];
  for (const [title, input, expected] of cases) {
    test(title, () => assert.deepEqual(messagesIn(input), expected));
  }
});
