import type { Entry } from './component.ts';

const avroFileKeys = `
syncIntervalBytes | positive bytes | 2048000 | The size of a block.
compressionCodec | text | - | The compression: deflate, snappy, bzip2, xz or zstandard; none: none.
`;

const textKeys = `
appendNewline | boolean | true | Ends each event with a newline.
`;

const morphlineInstead = `Morphlines are Java, and no longer developed: do it with other
interceptors, write one in TypeScript, or keep a small Flume for it.`;

/** The interceptors of Flume. */
export const interceptors: readonly Entry[] = [
  {
    kind: 'interceptor',
    type: 'timestamp',
    summary: 'Sets a header to the time, in ms since 1970.',
    keys: `
headerName | text | timestamp | The name of the header.
preserveExisting | boolean | false | Leaves a header that is there already.
`,
  },
  {
    kind: 'interceptor',
    type: 'host',
    summary: 'Sets a header to the name or address of the machine.',
    keys: `
preserveExisting | boolean | false | Leaves a header that is there already.
useIP | boolean | true | The address; false: the name.
hostHeader | text | host | The name of the header.
`,
  },
  {
    kind: 'interceptor',
    type: 'static',
    summary: 'Sets one header to one value.',
    keys: `
preserveExisting | boolean | true | Leaves a header that is there already.
key | text | key | The name of the header.
value | text | value | Its value.
`,
  },
  {
    kind: 'interceptor',
    type: 'remove_header',
    summary: 'Removes headers.',
    instead: 'Until it is here, write it in TypeScript, or leave the headers in.',
    keys: `
withName | text | - | The name of one header.
fromList | text | - | Names of headers.
fromListSeparator | text | \\s*,\\s* | What separates those: a regular expression.
matching | text | - | Headers whose whole name fits this regular expression.
`,
  },
  {
    kind: 'interceptor',
    type: 'search_replace',
    summary: 'Replaces text in bodies.',
    instead: 'Until it is here, write it in TypeScript.',
    keys: `
searchPattern | text | required | What to look for: a regular expression.
replaceString | text | - | What to put in its place; $1 is the first group.
charset | text | UTF-8 | The encoding of bodies.
`,
  },
  {
    kind: 'interceptor',
    type: 'regex_filter',
    summary: 'Lets through the events whose body fits, or those whose body does not.',
    instead: 'Until it is here, write it in TypeScript.',
    keys: `
regex | text | .* | A regular expression that a part of the body must fit.
excludeEvents | boolean | false | Drops those that fit; false: keeps only those.
`,
  },
  {
    kind: 'interceptor',
    type: 'regex_extractor',
    summary: 'Makes headers of what a regular expression finds in a body.',
    instead: 'Until it is here, write it in TypeScript.',
    keys: `
regex | text | required | A regular expression with groups.
serializers | words | required | A name for each group, in their order.
serializers.* | text | - | Per name: name, the header; type, DEFAULT or a Java class; its options.
`,
  },
  {
    kind: 'interceptor',
    type: 'org.apache.flume.sink.solr.morphline.UUIDInterceptor$Builder',
    summary: 'Sets a header to a random UUID.',
    instead: 'Until it is here, write it in TypeScript.',
    keys: `
headerName | text | id | The name of the header.
preserveExisting | boolean | true | Leaves a header that is there already.
prefix | text | - | What stands before the UUID.
`,
  },
  {
    kind: 'interceptor',
    type: 'org.apache.flume.sink.solr.morphline.MorphlineInterceptor$Builder',
    summary: 'Sends events through a morphline.',
    instead: morphlineInstead,
    never: true,
    keys: `
morphlineFile | text | required | The file of the morphline.
morphlineId | text | - | Which morphline of the file; none: the first.
morphlineVariable.* | text | - | Variables of the morphline.
`,
  },
];

export const selectors: readonly Entry[] = [
  {
    kind: 'selector',
    type: 'replicating',
    summary: 'Gives every event to every channel of the source.',
    keys: `
optional | words | - | Channels whose failure is passed over.
`,
  },
  {
    kind: 'selector',
    type: 'multiplexing',
    summary: 'Chooses the channels of an event by the value of a header.',
    instead: 'Until it is here, keep Flume for this agent.',
    keys: `
header | text | flume.selector.header | The header.
default | words | - | The channels for all other values; none: those events are dropped.
mapping.* | words | - | The channels for a value: mapping.<value>.
optional.* | words | - | Per value, channels whose failure is passed over.
`,
  },
  {
    kind: 'selector',
    type: 'load_balancing',
    summary: 'Gives each event to one of the channels.',
    instead: 'Until it is here, use one channel: several sinks can read from it.',
    keys: `
policy | round_robin/random class | round_robin | How the channel is chosen.
`,
  },
];

export const serializers: readonly Entry[] = [
  { kind: 'serializer', type: 'text', summary: 'The bodies, one a line.', keys: textKeys },
  {
    kind: 'serializer',
    type: 'header_and_text',
    summary: 'The headers, a blank, the body, one event a line.',
    keys: textKeys,
  },
  {
    kind: 'serializer',
    type: 'avro_event',
    summary: 'An Avro file of events, with headers and body.',
    keys: avroFileKeys,
  },
  {
    kind: 'serializer',
    type: 'org.apache.flume.sink.hdfs.AvroEventSerializer$Builder',
    summary: 'An Avro file of bodies that are Avro themselves.',
    keys: `${avroFileKeys}
schemaURL | text | - | The schema of events that do not bring theirs.
`,
  },
];
