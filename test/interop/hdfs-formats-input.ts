/** What the cases of formats and codecs have in common: their shape, and events. */
import type { SinkCase } from './hdfs-sink-cases.ts';

export interface FormatCase extends SinkCase {
  /** What Hadoop reads its files as. */
  readonly read: 'sequence' | 'avro' | 'bytes';
  /** What a file as a whole is compressed with. */
  readonly codec?: string;
  /** Keys of a SequenceFile are the time at which each event was written. */
  readonly hasClockKeys?: boolean;
}

const noon = Date.UTC(2024, 1, 29, 12, 0, 0);
const texts = [
  '',
  'a',
  'some words',
  'grüße 漢字 😀',
  '{"json": [1, 2]}',
  'x'.repeat(300),
  '\t tab',
];

/** Syslog messages; their times and hosts become the headers `timestamp` and `host`. */
export function messages(count: number, stepSeconds = 7): string[] {
  return Array.from({ length: count }, (_, index) => {
    const time = new Date(noon + index * stepSeconds * 1000).toISOString().slice(0, 19);
    return `<13>${time}Z web${index % 3} ${index}: ${texts[index % texts.length]}!`;
  });
}

/** Lines of bytes, as they are when written in latin1: most of them no UTF-8. */
export const binary = Array.from({ length: 40 }, (_, index) => {
  const bytes = Array.from({ length: index * 7 }, (__, at) => (at * (index + 3) * 11) % 256);
  const text = String.fromCharCode(...bytes).replaceAll(/[\n\r]/g, '\0');
  return index % 5 === 1 ? '' : `${index} ${text}`;
});

/** An interceptor. */
export const fixedTime = 'type = static\nkey = timestamp\nvalue = 1709208000123';
