import { resolve } from 'node:path';
import type { FieldProblem } from '../../config/definition.ts';
import type { ConfigOf } from '../../config/field.ts';
import { boolean, choice, integer, text } from '../../config/field.ts';
import { javaPattern } from '../../config/java-pattern.ts';
import type { OnBadBytes } from '../../framing/charset.ts';
import { charsetNamed } from '../../framing/charset.ts';
import { multiLineFields, multiLineProblems } from '../../framing/multi-line.ts';
import type { TextRules } from '../../framing/text-lines.ts';

export const spooldirFields = {
  spoolDir: text({ doc: 'The directory into which files are moved; it must exist.' }),
  fileSuffix: text({
    doc: 'What a file gets at the end of its name once all of it is delivered.',
    default: '.COMPLETED',
  }),
  deletePolicy: choice({
    doc: 'What becomes of a file once all of it is delivered.',
    default: 'never',
    values: { never: 'It is kept, see `trackingPolicy`.', immediate: 'It is removed.' },
  }),
  trackingPolicy: choice({
    doc: 'How a file that is kept is known to be done.',
    default: 'rename',
    values: {
      rename: 'It gets the suffix.',
      tracker_dir: 'It stays; an empty file with its name and the suffix is put into `trackerDir`.',
    },
  }),
  trackerDir: text({
    doc: 'Where those empty files are; within `spoolDir` unless absolute.',
    default: '.flumespool',
  }),
  fileHeader: boolean({ doc: "Adds a header with the file's absolute path.", default: false }),
  fileHeaderKey: text({ doc: 'The name of that header.', default: 'file' }),
  basenameHeader: boolean({ doc: "Adds a header with the file's name.", default: false }),
  basenameHeaderKey: text({ doc: 'The name of that header.', default: 'basename' }),
  includePattern: text({
    doc: 'A regular expression for the whole name of a file that is read.',
    default: '^.*$',
  }),
  ignorePattern: text({
    doc: 'A regular expression for the whole name of files and directories that are left alone.',
    default: '^$',
  }),
  recursiveDirectorySearch: boolean({
    doc: 'Reads the files of directories within `spoolDir`, too.',
    default: false,
  }),
  consumeOrder: choice({
    doc: 'Which file comes next.',
    default: 'oldest',
    values: {
      oldest: 'The one that was changed first; of several the one whose name comes first.',
      youngest: 'The one that was changed last; of several the one whose name comes first.',
      random: 'Any.',
    },
  }),
  pollDelay: integer({
    doc: 'Time between two looks at the directory.',
    unit: 'ms',
    min: 1,
    default: 500,
  }),
  batchSize: integer({
    doc: 'The most events of one batch.',
    unit: 'events',
    min: 1,
    default: 100,
  }),
  inputCharset: text({
    doc: "What the files' bytes are, by the names that Java has for charsets; bodies are UTF-8.",
    default: 'UTF-8',
  }),
  decodeErrorPolicy: choice({
    doc: 'What is done with bytes that are no character.',
    default: 'FAIL',
    values: {
      FAIL: 'The lines before them are delivered, and the file is set aside.',
      REPLACE: 'U+FFFD stands in their place.',
      IGNORE: 'They are left out.',
    },
  }),
  deserializer: text({
    doc: 'What a file is made of: `LINE`, an event for each line.',
    default: 'LINE',
  }),
  maxLineLength: integer({
    key: 'deserializer.maxLineLength',
    doc: 'A longer line, its newline included, becomes several events.',
    unit: 'characters',
    min: 1,
    default: 2048,
  }),
  outputCharset: text({
    key: 'deserializer.outputCharset',
    doc: 'What bodies are: `UTF-8`, or the same as `inputCharset` where that has one byte each.',
    default: 'UTF-8',
  }),
  bufferMaxLineLength: integer({
    doc: 'Goes before `deserializer.maxLineLength`.',
    unit: 'characters',
    min: 0,
    default: 0,
    defaultText: 'none',
    deprecated: 'Use deserializer.maxLineLength.',
  }),
  bufferMaxLines: integer({
    doc: 'Lines that are kept in memory.',
    default: 100,
    ignored: 'Flume does not read it any more either.',
  }),
  maxBackoff: integer({
    doc: 'The longest wait after a channel refused events.',
    unit: 'ms',
    default: 4000,
    ignored: 'They are emitted again as soon as there is room.',
  }),
  ...multiLineFields,
  multiLineTimeout: {
    ...multiLineFields.multiLineTimeout,
    ignored: 'A file is whole: its last event ends with it.',
  },
};

export type SpooldirConfig = ConfigOf<typeof spooldirFields>;

const lineClass = 'org.apache.flume.serialization.LineDeserializer$Builder';
const notYet: Readonly<Record<string, string>> = {
  AVRO: 'Avro container files can not be read yet; keep a Flume for them and connect it by Avro',
  'org.apache.flume.serialization.AvroEventDeserializer$Builder':
    'Avro container files can not be read yet; keep a Flume for them and connect it by Avro',
  'org.apache.flume.sink.solr.morphline.BlobDeserializer$Builder':
    'whole files as events can not be read yet; keep a Flume for them and connect it by Avro',
};

export function spooldirProblems(config: SpooldirConfig): readonly FieldProblem[] {
  const problems: FieldProblem[] = [...multiLineProblems(config)];
  const add = (key: string, problem: string) => problems.push({ key, problem });
  const { deserializer, inputCharset, outputCharset } = config;
  if (deserializer.toUpperCase() !== 'LINE' && deserializer !== lineClass) {
    const known = notYet[deserializer] ?? notYet[deserializer.toUpperCase()];
    const unknown = `${deserializer} is none that Millrace has: LINE is`;
    add('deserializer', known ?? unknown);
  }
  for (const key of ['includePattern', 'ignorePattern'] as const) {
    try {
      javaPattern(config[key]);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      add(key, `it is not a regular expression: ${why}`);
    }
  }
  const input = charsetNamed(inputCharset);
  const output = charsetNamed(outputCharset);
  if (!input) add('inputCharset', `${inputCharset} is no charset that can be decoded here`);
  else if (!output || (output.name !== 'utf-8' && output.name !== input.name)) {
    add('deserializer.outputCharset', 'bodies can be UTF-8, or what inputCharset says');
  } else if (output.name !== 'utf-8' && output.kind !== 'single') {
    add('deserializer.outputCharset', 'bodies can stay as they are where a byte is a character');
  }
  return problems;
}

export const spoolDirectoryOf = ({ spoolDir }: SpooldirConfig) => resolve(spoolDir);

/** A relative one lies within the directory that is read. */
export function trackerDirectoryOf(config: SpooldirConfig): string {
  return resolve(spoolDirectoryOf(config), config.trackerDir);
}

/** What lines are; only of a configuration without problems. */
export function textRulesOf(config: SpooldirConfig): TextRules {
  const charset = charsetNamed(config.inputCharset);
  const output = charsetNamed(config.outputCharset);
  if (!charset || !output) throw new Error(`no charset ${config.inputCharset}`);
  const policies = { FAIL: 'fail', REPLACE: 'replace', IGNORE: 'ignore' } as const;
  const onBadBytes: OnBadBytes = policies[config.decodeErrorPolicy];
  const maxUnits = config.bufferMaxLineLength || config.maxLineLength;
  return { charset, keepsBytes: output.name !== 'utf-8', onBadBytes, maxUnits };
}
