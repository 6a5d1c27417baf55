import { isUtf8 } from 'node:buffer';
import { Writer } from '../bytes/writer.ts';
import { defineSerializer, type FieldProblem } from '../config/definition.ts';
import { type ConfigOf, choice, text } from '../config/field.ts';
import { type Column, type EventBatch, type Headers, noHeaders } from '../core/event-batch.ts';
import type { EventSerializer, SerializerContext } from '../core/serializer.ts';
import { type ByteTest, hasNonAscii, hasSpecial, WordScan } from './word-scan.ts';

const fields = {
  body: choice({
    doc: 'What a body is.',
    values: {
      text: 'A string, in UTF-8; bytes that are not are replaced.',
      parsed: 'JSON, which stands as it is. What is none is written as a string.',
    },
    default: 'text',
  }),
  bodyKey: text({ doc: 'The name under which the body stands.', default: 'body' }),
  headers: choice({
    doc: 'Where headers are written.',
    values: {
      nested: 'In an object of their own, under headersKey.',
      merged: 'Beside the body; beside its members, where a parsed body is an object.',
      none: 'Nowhere. A parsed body that is an object is the line.',
    },
    default: 'nested',
  }),
  headersKey: text({ doc: 'The name under which nested headers stand.', default: 'headers' }),
};

type Config = ConfigOf<typeof fields>;

export const jsonLinesSerializer = defineSerializer({
  type: 'json',
  summary: 'A JSON object per line: `{"headers":{"host":"h1"},"body":"a line"}`.',
  notes:
    'By default a line is what the JSONHandler of an http source takes in its lists.\n\n' +
    'No name stands twice in an object: where a header that is merged has the name of a member ' +
    'of the body, or that of the body, the header is left out. Numbers of a parsed body keep all ' +
    'their digits. A body that does not fit (bytes that are no UTF-8; no JSON where it is to be ' +
    'parsed) is written as a string all the same, and counted: `EventMisfitCount`.',
  fields,
  example: 'sink.serializer = json\nsink.serializer.headers = merged',
  check: ({ headers, headersKey, bodyKey }): readonly FieldProblem[] =>
    headers === 'nested' && headersKey === bodyKey
      ? [{ key: 'headersKey', problem: `${bodyKey} is the name of the body` }]
      : [],
  create: (config, context) => new JsonLinesSerializer(config, context),
});

/** Control characters and, changed to the one behind them, the quote; the backslash. */
const escaped: readonly ByteTest[] = [
  [2, 33],
  [92, 1],
];
const newlineByte = 10;
const returnByte = 13;
const blankByte = 32;
const openBraceByte = 123;

const stringEnd = Buffer.from('"}\n');
const valueEnd = Buffer.from('}\n');
const newline = Buffer.from('\n');

/** A header, as a member of objects. */
interface Member {
  readonly name: string;
  /** `"host":`. */
  readonly key: string;
  readonly column: Column;
  /** The value that was written last, and its JSON: values repeat. */
  value: string;
  json: string;
}

/**
 * Bodies that need no escaping are copied. Nothing is made per event where headers are constant.
 */
class JsonLinesSerializer implements EventSerializer {
  readonly #config: Config;
  readonly #context: SerializerContext;
  readonly #bodyName: string;
  /** What an object has of its own when the body is a member: no header takes its place. */
  readonly #ownMember: object;
  readonly #scan = new WordScan(escaped);
  readonly #warned = new Set<string>();
  /** The last one, if it is of constants: it may come again. */
  #table: Headers | undefined;
  #members: readonly Member[] = [];
  /** What goes before every body of the table, if that is the same. */
  #constantHead: Buffer | undefined;
  /** The same, with the quote of a string behind it. */
  #constantTextHead: Buffer | undefined;
  /** Whether all bodies of the batch are UTF-8, but for those cut within a character. */
  #isUtf8: boolean | undefined;

  constructor(config: Config, context: SerializerContext) {
    this.#config = config;
    this.#context = context;
    this.#ownMember = { [config.bodyKey]: true };
    this.#bodyName = `${JSON.stringify(config.bodyKey)}:`;
  }

  begin(): readonly Buffer[] {
    return [];
  }

  write(batch: EventBatch): readonly Buffer[] {
    if (batch.length === 0) return [];
    this.#isUtf8 = undefined;
    this.#scan.over(batch.slab);
    if (batch.headers !== this.#table) this.#useTable(batch.headers);
    const writer = new Writer(batch.bodyBytes + batch.length * this.#lineBytes());
    const isText = this.#config.body === 'text';
    for (let index = 0; index < batch.length; index++) {
      if (isText) this.#writeText(writer, batch, index);
      else this.#writeParsed(writer, batch, index);
    }
    this.#scan.letGo();
    if (!this.#constantHead) this.#useTable(noHeaders);
    return [writer.take()];
  }

  flush(): readonly Buffer[] {
    return [];
  }

  #useTable(headers: Headers): void {
    this.#table = headers;
    this.#members = Array.from(headers, ([name, column]) => ({
      name,
      key: `${JSON.stringify(name)}:`,
      column,
      value: '',
      json: '""',
    }));
    const isConstant = this.#members.every(({ column }) => typeof column === 'string');
    const head = isConstant ? this.#head(0) : undefined;
    this.#constantHead = head === undefined ? undefined : Buffer.from(head);
    this.#constantTextHead = head === undefined ? undefined : Buffer.from(`${head}"`);
  }

  /** A guess at what a line has beside its body. */
  #lineBytes(): number {
    return (this.#constantHead?.length ?? 64 + 32 * this.#members.length) + 4;
  }

  /** All up to the body. */
  #head(index: number): string {
    const { headers, headersKey } = this.#config;
    if (headers === 'none') return `{${this.#bodyName}`;
    if (headers === 'nested') {
      return `{${JSON.stringify(headersKey)}:{${this.#headers(index)}},${this.#bodyName}`;
    }
    const members = this.#headers(index, this.#ownMember);
    return `{${members}${members === '' ? '' : ','}${this.#bodyName}`;
  }

  /** The headers of an event as members, but for those that another object has. */
  #headers(index: number, other?: object): string {
    let text = '';
    for (const member of this.#members) {
      const { name, key, column } = member;
      const value = typeof column === 'string' ? column : column[index];
      if (value === undefined || (other && Object.hasOwn(other, name))) continue;
      if (value !== member.value) {
        member.value = value;
        member.json = JSON.stringify(value);
      }
      if (text !== '') text += ',';
      text += key;
      text += member.json;
    }
    return text;
  }

  #writeHead(writer: Writer, index: number): void {
    if (this.#constantHead) writer.bytes(this.#constantHead);
    else writer.text(this.#head(index));
  }

  #writeText(writer: Writer, batch: EventBatch, index: number): void {
    const start = batch.starts[index] as number;
    const end = batch.ends[index] as number;
    const found = this.#scan.find(start, end);
    const isSound = (found & hasNonAscii) === 0 || this.#isSound(batch, index);
    if (isSound && (found & hasSpecial) === 0) {
      if (this.#constantTextHead) writer.bytes(this.#constantTextHead);
      else writer.text(`${this.#head(index)}"`);
      writer.bytes(batch.slab, start, end);
      writer.bytes(stringEnd);
      return;
    }
    // One that is no JSON either was counted.
    if (!isSound && this.#config.body === 'text') {
      this.#misfit('Bodies have bytes that are no UTF-8, which are replaced.');
    }
    this.#writeHead(writer, index);
    const encoding = (found & hasNonAscii) === 0 ? 'latin1' : 'utf8';
    writer.text(`${JSON.stringify(batch.slab.toString(encoding, start, end))}}\n`);
  }

  #writeParsed(writer: Writer, batch: EventBatch, index: number): void {
    const value = this.#isSound(batch, index) ? parsed(batch, index) : undefined;
    if (value === undefined) {
      this.#misfit('Bodies are no JSON, and are written as strings.');
      this.#writeText(writer, batch, index);
      return;
    }
    const json = oneLine(batch, index);
    const { headers } = this.#config;
    if (
      headers === 'nested' ||
      typeof value !== 'object' ||
      value === null ||
      Array.isArray(value)
    ) {
      this.#writeHead(writer, index);
      writer.bytes(json);
      writer.bytes(valueEnd);
      return;
    }
    const members = headers === 'none' ? '' : this.#headers(index, value);
    if (members === '') writer.bytes(json);
    else {
      writer.text(`{${members}${Object.keys(value).length === 0 ? '' : ','}`);
      writer.bytes(json, json.indexOf(openBraceByte) + 1);
    }
    writer.bytes(newline);
  }

  /** Is the body UTF-8? Asked once for the whole batch, and for bodies that are cut. */
  #isSound(batch: EventBatch, index: number): boolean {
    if (this.#isUtf8 === undefined) {
      const [from, to] = batch.span();
      this.#isUtf8 = isUtf8(batch.slab.subarray(from, to));
    }
    const start = batch.starts[index] as number;
    const end = batch.ends[index] as number;
    const isWhole = !isContinuation(batch.slab[start]) && !isContinuation(batch.slab[end]);
    return (this.#isUtf8 && isWhole) || isUtf8(batch.slab.subarray(start, end));
  }

  #misfit(sentence: string): void {
    this.#context.counters.EventMisfitCount++;
    if (this.#warned.has(sentence)) return;
    this.#warned.add(sentence);
    this.#context.log.warn({}, sentence);
  }
}

function parsed(batch: EventBatch, index: number): unknown {
  try {
    return JSON.parse(batch.slab.toString('utf8', batch.starts[index], batch.ends[index]));
  } catch {
    return undefined;
  }
}

/** JSON without the newlines around and in it: within its strings there are none. */
function oneLine(batch: EventBatch, index: number): Buffer {
  const body = batch.body(index);
  if (!body.includes(newlineByte) && !body.includes(returnByte)) return body;
  return body.map((byte) =>
    byte === newlineByte || byte === returnByte ? blankByte : byte,
  ) as Buffer;
}

/** A byte that can't begin a character. */
function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}
