/** Those of the configurations whose files are Avro containers. */
import { binary, type FormatCase, fixedTime, messages } from './hdfs-formats-input.ts';

export const lineSchema =
  '{"type":"record","name":"Line","namespace":"shop","fields":' +
  '[{"name":"text","type":"string"},{"name":"n","type":"int"}]}';
/** With the same datums; only its name tells which schema a file was given. */
export const otherSchema = lineSchema.replace('shop', 'other');

/** Datums of that schema, none of which has a byte that is a newline. */
const datums = Array.from({ length: 11 }, (_, index) => {
  const text = `line ${index} ${'é'.repeat(index)}`;
  const bytes = Buffer.from(text);
  const [size, n] = [2 * bytes.length, 2 * (index + 6)];
  return `${String.fromCharCode(size)}${bytes.toString('latin1')}${String.fromCharCode(n)}`;
});

function header(name: string, value: string): string {
  return `type = static\nkey = flume.avro.schema.${name}\nvalue = ${value}`;
}

const avroBody = {
  serializer: 'org.apache.flume.sink.hdfs.AvroEventSerializer$Builder',
  'hdfs.rollCount': '4',
};
const bodies = { source: 'TAILDIR', read: 'avro', input: datums } as const;

export const avroCases: readonly FormatCase[] = [
  ...['null', 'deflate', 'snappy', 'bzip2', 'nonsense'].map((codec): FormatCase => {
    return {
      name: `avro-${codec}`,
      holds: `Avro files of events, compressionCodec = ${codec}`,
      sink: {
        serializer: 'avro_event',
        'serializer.compressionCodec': codec,
        'hdfs.fileSuffix': '.avro',
        'hdfs.rollCount': '12',
      },
      read: 'avro',
      input: messages(30),
    };
  }),
  {
    name: 'avro-blocks',
    holds: 'small blocks, by the serializer’s class name',
    sink: {
      serializer: 'org.apache.flume.serialization.FlumeEventAvroEventSerializer$Builder',
      'serializer.syncIntervalBytes': '64',
      'hdfs.batchSize': '7',
    },
    source: 'TAILDIR',
    interceptors: [fixedTime, 'type = static\nkey = ключ\nvalue = d é'],
    read: 'avro',
    input: binary,
  },
  {
    ...bodies,
    name: 'bodies-literal',
    holds: 'the schema of bodies is in a header',
    sink: avroBody,
    interceptors: [header('literal', lineSchema)],
  },
  {
    ...bodies,
    name: 'bodies-file-url',
    holds: 'the schema is at a file URL in a header',
    sink: { ...avroBody, 'serializer.compressionCodec': 'snappy' },
    interceptors: [header('url', 'file://<folder>/other.avsc')],
  },
  {
    ...bodies,
    name: 'bodies-hdfs-url',
    holds: 'the schema is at an hdfs URL in a header',
    sink: { ...avroBody, 'serializer.compressionCodec': 'deflate' },
    interceptors: [header('url', '<url>/schemas/other.avsc')],
  },
  {
    ...bodies,
    name: 'bodies-option',
    holds: 'the schema is at a URL of the options',
    sink: { ...avroBody, 'serializer.schemaURL': 'file://<folder>/line.avsc' },
  },
  {
    ...bodies,
    name: 'bodies-proxy',
    holds: 'files of another user, with a schema on HDFS',
    sink: {
      ...avroBody,
      'serializer.schemaURL': '<url>/schemas/line.avsc',
      'hdfs.proxyUser': 'shop',
      'hdfs.path': '<root>/open',
    },
  },
  {
    ...bodies,
    name: 'bodies-first',
    holds: 'a URL in a header goes before a literal, and that before the options',
    sink: { ...avroBody, 'serializer.schemaURL': 'file://<folder>/line.avsc' },
    interceptors: [
      header('literal', lineSchema.replace('shop', 'none')),
      header('url', 'file://<folder>/other.avsc'),
    ],
  },
  {
    ...bodies,
    name: 'bodies-literal-first',
    holds: 'a literal in a header goes before the options',
    sink: { ...avroBody, 'serializer.schemaURL': 'file://<folder>/line.avsc' },
    interceptors: [header('literal', otherSchema)],
  },
];
