import { Writer } from '../bytes/writer.ts';
import { defineSerializer, type FieldProblem } from '../config/definition.ts';
import { boolean, type ConfigOf, choice, text } from '../config/field.ts';
import { type EventBatch, type Headers, noHeaders } from '../core/event-batch.ts';
import type { EventSerializer } from '../core/serializer.ts';
import { type CellRules, csvCell } from './csv-cell.ts';
import { type ByteTest, hasNonAscii, hasSpecial, WordScan } from './word-scan.ts';

const fields = {
  columns: text({
    doc: 'What a line has, in order, separated by commas or blanks: names of headers, and `body`.',
  }),
  delimiter: text({
    doc:
      'What stands between values: one or more characters; `\\t` is a tab, `\\001` one by its ' +
      'number.',
    default: ',',
  }),
  quoting: choice({
    doc: 'Which values stand in quotes.',
    values: {
      minimal: 'Those that hold a delimiter, a quote or a line end, or are what nullText is.',
      all: 'All that are there.',
      none: 'None: delimiters and line ends in values are escaped.',
    },
    default: 'minimal',
  }),
  quote: text({ doc: 'The quote; it is doubled within a value.', default: '"' }),
  escape: text({
    doc:
      'Without quotes, what goes before a delimiter and itself within a value, and before `n` ' +
      'and `r` for line ends; empty: these become blanks.',
    default: '\\',
  }),
  header: boolean({ doc: 'Whether the first line has the names of the columns.', default: false }),
  nullText: text({ doc: 'What stands for a header that an event does not have.', default: '' }),
  lineEnd: choice({
    doc: 'What ends a line.',
    values: { crlf: 'Carriage return and newline.', lf: 'A newline.' },
    default: 'crlf',
  }),
};

type Config = ConfigOf<typeof fields>;

export const csvSerializer = defineSerializer({
  type: 'csv',
  summary: 'Delimited text: some headers and the body as columns, as RFC 4180 has it.',
  notes:
    'For a table of Hive, `ROW FORMAT DELIMITED`: `quoting = none`, `delimiter = \\001` (or what ' +
    '`FIELDS TERMINATED BY` says), `nullText = \\N`, `lineEnd = lf`, and `ESCAPED BY` a ' +
    'backslash. A properties file takes a backslash away: write `\\\\001`. Bodies are written ' +
    'byte for byte.',
  fields,
  example:
    'sink.serializer = csv\nsink.serializer.columns = timestamp host body\n' +
    'sink.serializer.header = true',
  check: checkCsv,
  create: (config) => new CsvSerializer(config),
});

const bodyColumn = 'body';
const newlines = { crlf: '\r\n', lf: '\n' };

function checkCsv(config: Config): readonly FieldProblem[] {
  const problems: FieldProblem[] = [];
  const add = (key: string, problem: string, suggestion?: string) =>
    problems.push({ key, problem, ...(suggestion !== undefined && { suggestion }) });
  const { quote } = config;
  const delimiter = characters(config.delimiter);
  if (columnsOf(config).length === 0) add('columns', 'no columns are named');
  if (delimiter === '') add('delimiter', 'it is empty', 'For a tab write \\\\t or "\\t".');
  if (/[\r\n]/.test(delimiter)) add('delimiter', 'it holds the end of a line');
  if (config.quoting !== 'none') {
    if (!/^[!-~]$/.test(quote)) add('quote', 'expected one character of ASCII');
    else if (delimiter.includes(quote)) add('delimiter', 'it holds the quote');
  } else if (config.escape !== '') {
    if (!/^[!-~]$/.test(config.escape)) add('escape', 'expected one character of ASCII, or none');
    else if (delimiter.includes(config.escape)) add('delimiter', 'it holds the escape');
  }
  return problems;
}

function columnsOf({ columns }: Config): string[] {
  return (columns ?? '').split(/[\s,]+/).filter(Boolean);
}

/** Without the quotes that Flume's hive sink lets stand around a delimiter. */
function characters(given: string): string {
  const inner = /^"(.+)"$/s.exec(given)?.[1] ?? given;
  return inner.replace(
    /\\(?:t|\\|u([0-9a-fA-F]{4})|([0-3][0-7]{2}))/g,
    (whole, hexadecimal?: string, octal?: string) => {
      if (hexadecimal) return String.fromCharCode(Number.parseInt(hexadecimal, 16));
      if (octal) return String.fromCharCode(Number.parseInt(octal, 8));
      return whole === '\\t' ? '\t' : '\\';
    },
  );
}

/** A part of a line: what is the same in all of them, a header's values, or the body. */
type Part = Buffer | readonly (string | undefined)[] | typeof bodyColumn;

class CsvSerializer implements EventSerializer {
  readonly #columns: readonly string[];
  readonly #withNames: boolean;
  readonly #rules: CellRules;
  /** The same for bodies: their bytes as characters. */
  readonly #byteRules: CellRules;
  readonly #lineEnd: string;
  readonly #scan: WordScan;
  /** Where the scan finds none of this in a body, it is written as it is. */
  readonly #special: number;
  /** The last one, if it is of constants: it may come again. */
  #table: Headers | undefined;
  #isConstant = true;
  #parts: readonly Part[] = [];

  constructor(config: Config) {
    const { quote, quoting, nullText } = config;
    const delimiter = characters(config.delimiter);
    this.#columns = columnsOf(config);
    this.#withNames = config.header;
    this.#rules = { delimiter, quote, quoting, escape: config.escape, nullText };
    this.#byteRules = {
      ...this.#rules,
      delimiter: bytesAsText(delimiter),
      nullText: bytesAsText(nullText),
    };
    this.#lineEnd = newlines[config.lineEnd];
    this.#scan = new WordScan(specialBytes(this.#byteRules));
    // A delimiter that is no ASCII is not scanned for.
    this.#special = isAscii(delimiter) ? hasSpecial : hasSpecial | hasNonAscii;
  }

  begin(): readonly Buffer[] {
    if (!this.#withNames) return [];
    const names = this.#columns.map((name) => csvCell(name, this.#rules));
    return [Buffer.from(names.join(this.#rules.delimiter) + this.#lineEnd)];
  }

  write(batch: EventBatch): readonly Buffer[] {
    if (batch.length === 0) return [];
    this.#scan.over(batch.slab);
    if (batch.headers !== this.#table) this.#useTable(batch.headers);
    const writer = new Writer(batch.bodyBytes + batch.length * 16 * this.#parts.length);
    for (let index = 0; index < batch.length; index++) {
      for (const part of this.#parts) {
        if (part === bodyColumn) this.#writeBody(writer, batch, index);
        else if (Buffer.isBuffer(part)) writer.bytes(part);
        else writer.text(this.#cell(part[index]));
      }
    }
    this.#scan.letGo();
    if (!this.#isConstant) this.#useTable(noHeaders);
    return [writer.take()];
  }

  flush(): readonly Buffer[] {
    return [];
  }

  /** What is the same in all lines is put together. */
  #useTable(headers: Headers): void {
    this.#table = headers;
    this.#isConstant = true;
    const parts: Part[] = [];
    let same = '';
    for (const [position, name] of this.#columns.entries()) {
      if (position > 0) same += this.#rules.delimiter;
      const column = headers.get(name);
      if (name !== bodyColumn && typeof column !== 'object') same += this.#cell(column);
      else {
        if (same !== '') parts.push(Buffer.from(same));
        same = '';
        parts.push(name === bodyColumn ? name : (column as Part));
        if (name !== bodyColumn) this.#isConstant = false;
      }
    }
    this.#parts = [...parts, Buffer.from(same + this.#lineEnd)];
  }

  #cell(value: string | undefined): string {
    return value === undefined ? this.#rules.nullText : csvCell(value, this.#rules);
  }

  #writeBody(writer: Writer, batch: EventBatch, index: number): void {
    const start = batch.starts[index] as number;
    const end = batch.ends[index] as number;
    const { quoting, nullText } = this.#byteRules;
    const isQuoted = quoting === 'all' || end - start === nullText.length;
    if (!isQuoted && (this.#scan.find(start, end) & this.#special) === 0) {
      writer.bytes(batch.slab, start, end);
      return;
    }
    const body = batch.slab.toString('latin1', start, end);
    writer.bytes(Buffer.from(csvCell(body, this.#byteRules), 'latin1'));
  }
}

/** Of a delimiter, its first byte: more is looked at only where that is found. */
function specialBytes(rules: CellRules): ByteTest[] {
  const mark = rules.quoting === 'none' ? rules.escape : rules.quote;
  const bytes = [rules.delimiter, mark, '\n', '\r'].filter(isAscii);
  return bytes.map((each) => [each.charCodeAt(0), 1]);
}

/** Is there a first character, of ASCII? */
function isAscii(value: string): boolean {
  return value.charCodeAt(0) < 128;
}

function bytesAsText(value: string): string {
  return Buffer.from(value).toString('latin1');
}
