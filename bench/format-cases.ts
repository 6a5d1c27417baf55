/** What bench/formats.ts measures: the forms that an event can get in a file. */

export interface FormatCase {
  readonly serializer: string;
  /** What is compressed with, as the table says it. */
  readonly codec: string;
  readonly options?: Readonly<Record<string, string>>;
  /** Of the file as a whole; the others compress inside. */
  readonly stream?: { readonly codec: string; readonly level: number };
  /** Bodies are Avro datums, not lines. */
  readonly datums?: true;
  /** How it is read back, and with that its name. */
  readonly extension: string;
}

const stream = (serializer: string, codec: string, level = 0, options = {}): FormatCase => ({
  serializer,
  codec: level > 0 ? `${codec} ${level}` : codec,
  options,
  ...(codec !== 'none' && { stream: { codec, level } }),
  extension: extensions[codec] ?? '',
});

const extensions: Readonly<Record<string, string>> = {
  gzip: '.gz',
  zstd: '.zst',
  snappy: '.snappy',
  lz4: '.lz4',
  bzip2: '.bz2',
  deflate: '.deflate',
};

const avro = (codec: string): FormatCase => ({
  serializer: 'avro_event',
  codec,
  options: { compressionCodec: codec === 'none' ? 'null' : codec },
  extension: '.avro',
});

const sequence = (codec: string, options: Readonly<Record<string, string>> = {}): FormatCase => ({
  serializer: 'sequence_file',
  codec: [codec, ...Object.values(options)].join(', '),
  options: { codec, ...options },
  extension: '',
});

const parquet = (codec: string, options: Readonly<Record<string, string>> = {}): FormatCase => ({
  serializer: 'parquet',
  codec: [codec, ...Object.keys(options).map(() => 'body as string')].join(', '),
  options: { codec, ...options },
  extension: '.parquet',
});

const csvColumns = { columns: 'timestamp,host,body' };

export const formatCases: readonly FormatCase[] = [
  stream('text', 'none'),
  stream('text', 'snappy'),
  stream('text', 'lz4'),
  stream('text', 'zstd'),
  stream('text', 'gzip', 1),
  stream('text', 'gzip'),
  stream('text', 'deflate'),
  stream('text', 'bzip2'),
  stream('header_and_text', 'none'),
  stream('json', 'none'),
  stream('json', 'zstd'),
  stream('json', 'gzip'),
  stream('csv', 'none', 0, csvColumns),
  stream('csv', 'zstd', 0, csvColumns),
  avro('none'),
  avro('snappy'),
  avro('deflate'),
  avro('zstandard'),
  {
    serializer: 'avro_body',
    codec: 'snappy',
    options: {
      compressionCodec: 'snappy',
      schemaLiteral: '{"type":"record","name":"Line","fields":[{"name":"line","type":"bytes"}]}',
    },
    datums: true,
    extension: '.avro',
  },
  sequence('none'),
  sequence('none', { writeFormat: 'Text' }),
  sequence('snappy'),
  sequence('lz4'),
  sequence('gzip'),
  sequence('zstd'),
  sequence('snappy', { compressionType: 'RECORD' }),
  parquet('none'),
  parquet('snappy'),
  parquet('snappy', { 'columns.body.type': 'string' }),
  parquet('lz4_raw'),
  parquet('gzip'),
  parquet('zstd'),
];

export function nameOf({ serializer, codec }: FormatCase): string {
  return `${serializer} ${codec}`;
}
