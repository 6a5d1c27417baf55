import assert from 'node:assert/strict';
import { FormatError } from '../../../src/core/errors.ts';
import { csvCell } from '../../../src/formats/csv-cell.ts';
import { readCsv } from '../../../src/formats/csv-reader.ts';
import { type FuzzTarget, kindOf } from '../target.ts';

const maxRecordBytes = 16 << 10;
const rules = { quote: '"', quoting: 'minimal', escape: '', nullText: '' } as const;

/** The records are the same however the input comes, and when they are written and read again. */
export const csvReaderTarget: FuzzTarget = {
  name: 'csv-reader',
  tokens: ['"', '""', ',', '\r\n', '\n', '\r', '||', 'ü', '","', '"\r\n"'],
  seeds: () =>
    ['a,b\r\nc,d\r\n', '"a","b""c"\n"\r\n",\n', 'a||b|c||"||"\n', 'ü,é'].map((text) =>
      Buffer.from(text),
    ),
  run: async (input) => {
    const delimiter = input.includes('||') ? '||' : ',';
    const whole = await recordsOf([input], delimiter);
    const step = 1 + ((input.at(-1) ?? 0) % 50);
    const pieces: Buffer[] = [];
    for (let at = 0; at < input.length; at += step) pieces.push(input.subarray(at, at + step));
    const inPieces = await recordsOf(pieces, delimiter);
    assert.deepEqual(inPieces.records, whole.records);
    // Of two things that are wrong, it depends on the pieces which is found.
    assert.equal(inPieces.error === undefined, whole.error === undefined);
    const text = whole.records
      .map((fields) => fields.map((field) => csvCell(field, { ...rules, delimiter })))
      .map((cells) => `${cells.join(delimiter)}\r\n`);
    // Bytes that are no UTF-8 become three, so records may be larger than they were.
    const again = await recordsOf([Buffer.from(text.join(''))], delimiter, maxRecordBytes * 4);
    assert.deepEqual(again.records, whole.records);
    const widest = whole.records.reduce((most, { length }) => Math.max(most, length), 0);
    return `${Math.min(9, whole.records.length)} ${Math.min(9, widest)} ${whole.error ?? ''}`;
  },
};

async function recordsOf(pieces: readonly Buffer[], delimiter: string, maxBytes = maxRecordBytes) {
  async function* input() {
    yield* pieces;
  }
  const records: string[][] = [];
  try {
    const options = { delimiter, maxRecordBytes: maxBytes };
    for await (const some of readCsv(input(), options)) for (const one of some) records.push(one);
    return { records, error: undefined };
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    // How many came before depends on how the input came.
    return { records: [], error: kindOf(error) };
  }
}
