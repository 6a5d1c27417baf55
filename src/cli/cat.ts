import { once } from 'node:events';
import { codecNamed, codecs } from '../codecs/codecs.ts';
import { FormatError } from '../core/errors.ts';
import { type FileContent, type OpenedFile, openFile } from '../formats/open-file.ts';
import type { ParquetRows } from '../formats/parquet-reader.ts';
import { decodeWritable, writableBytes } from '../formats/sequence-file/writables.ts';
import type { SequenceFile } from '../formats/sequence-file-reader.ts';
import { type Command, exitCodes, exitCodesHelp } from './command.ts';
import { describeOptions, type Option, parseOptions, UsageError } from './options.ts';

const options: readonly Option[] = [
  {
    names: ['--codec'],
    value: 'NAME',
    doc: `How the file is compressed, where its name does not tell: ${codecs
      .map(({ name }) => name)
      .join(', ')}.`,
  },
  { names: ['--info'], doc: 'Says what the file is, not what is in it.' },
];

export const catCommand: Command = {
  help: `Usage: millrace cat FILE... [options]

Prints what is in local files that a sink wrote, Millrace's or Flume's: text as it is, a
SequenceFile as key, tab, value, Avro and Parquet as a JSON object per line. What a file is, and
how it is compressed, is found by what it begins with; snappy, lz4 and deflate by its name.
A file that is broken or cut off is printed up to there.

Options
${describeOptions(options)}

${exitCodesHelp}`,
  run: runCat,
};

async function runCat(args: readonly string[]): Promise<number> {
  const { values, words } = parseOptions(options, args);
  if (words.length === 0) throw new UsageError('a FILE is needed');
  const name = values.get('--codec')?.at(-1);
  const codec = name === undefined ? undefined : codecNamed(name);
  if (name !== undefined && !codec) throw new UsageError(`no codec is called ${name}`);
  let failed = false;
  for (const path of words) {
    try {
      const file = await openFile(path, codec);
      const lines = values.has('--info') ? describe(path, file) : linesOf(file.content);
      for await (const line of lines) await print(line);
    } catch (error) {
      if (!(error instanceof FormatError) && !isSystemError(error)) throw error;
      console.error(`millrace cat: ${path}: ${error.message}`);
      failed = true;
    }
  }
  return failed ? exitCodes.failed : exitCodes.ok;
}

function isSystemError(error: unknown): error is Error {
  return error instanceof Error && 'syscall' in error;
}

async function print(text: string | Buffer): Promise<void> {
  if (!process.stdout.write(text)) await once(process.stdout, 'drain');
}

async function* describe(path: string, file: OpenedFile): AsyncGenerator<string> {
  const { content, codec } = file;
  const parts = [`${path}: ${content.format}${codec ? `, compressed with ${codec.name}` : ''}`];
  if (content.format === 'sequence_file') {
    const { keyClass, valueClass, compressionType, codecClass } = content.file.header;
    parts.push(`${keyClass} → ${valueClass}`, compressionType, codecClass ?? '');
  } else if (content.format === 'avro') {
    parts.push(`codec ${content.file.codec}`, content.file.schemaText);
  } else if (content.format === 'parquet') {
    const { rowCount, rowGroups, columns, createdBy = '' } = content.file;
    parts.push(`${rowCount} rows in ${rowGroups.length} row groups`, createdBy);
    const typeOf = ({ logicalType, physicalType }: (typeof columns)[number]) =>
      logicalType ?? physicalType;
    parts.push(columns.map((column) => `${column.name} ${typeOf(column)}`).join(', '));
  }
  yield `${parts.filter(Boolean).join('; ')}\n`;
}

async function* linesOf(content: FileContent): AsyncGenerator<string | Buffer> {
  switch (content.format) {
    case 'text':
      yield* content.bytes;
      break;
    case 'sequence_file':
      yield* sequenceFileLines(content.file);
      break;
    case 'avro':
      for await (const lines of content.file.jsonLines) yield `${lines.join('\n')}\n`;
      break;
    case 'parquet':
      for await (const rows of content.file.batches()) yield parquetLines(rows);
  }
}

const tab = Buffer.from('\t');
const newline = Buffer.from('\n');

/** A body of bytes is printed as it is: it nearly always is text. */
async function* sequenceFileLines({ header, records }: SequenceFile): AsyncGenerator<Buffer> {
  const shown = (className: string, bytes: Buffer): Buffer =>
    writableBytes(className, bytes) ??
    Buffer.from(String(decodeWritable(className, bytes) ?? bytes.toString('hex')));
  for await (const some of records) {
    yield Buffer.concat(
      some.flatMap(({ key, value }) => [
        shown(header.keyClass, key),
        tab,
        shown(header.valueClass, value),
        newline,
      ]),
    );
  }
}

function parquetLines({ rowCount, columns }: ParquetRows): string {
  const lines: string[] = [];
  for (let row = 0; row < rowCount; row++) {
    const entries = [...columns].map(([name, values]) => [name, shownInJson(values[row])]);
    lines.push(`${JSON.stringify(Object.fromEntries(entries))}\n`);
  }
  return lines.join('');
}

function shownInJson(value: unknown): unknown {
  if (value === undefined) return null;
  if (Buffer.isBuffer(value)) return value.toString();
  if (typeof value === 'bigint') {
    return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  }
  return value;
}
