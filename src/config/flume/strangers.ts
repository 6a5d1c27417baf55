import { type Entry, tlsClientKeys } from './component.ts';

const hbaseColumns = `
payloadColumn | text | pCol | The column for the body.
incrementColumn | text | iCol | The column that counts.
rowPrefix | text | default | What row keys begin with.
incrementRow | text | incRow | The row that counts.
suffix | text | uuid | How row keys end: uuid, random, timestamp or nano.
`;

const hbaseRegex = `
regex | text | (.*) | The regular expression whose groups are the columns.
regexIgnoreCase | boolean | false | Upper and lower case are the same.
colNames | text | payload | The columns, separated by commas.
rowKeyIndex | integer | -1 | The group that is the row key; -1: none.
depositHeaders | boolean | false | Writes the headers, too.
charset | text | UTF-8 | The encoding of bodies.
`;

/** Parts of sinks that Millrace leaves to Flume. */
export const strangers: readonly Entry[] = [
  ...[
    ['org.apache.flume.sink.hbase2.SimpleHBase2EventSerializer', hbaseColumns],
    ['org.apache.flume.sink.hbase2.RegexHBase2EventSerializer', hbaseRegex],
    ['org.apache.flume.sink.hbase.SimpleHbaseEventSerializer', hbaseColumns],
    ['org.apache.flume.sink.hbase.RegexHbaseEventSerializer', hbaseRegex],
    ['org.apache.flume.sink.hbase.SimpleAsyncHbaseEventSerializer', hbaseColumns],
  ].map(([type = '', keys = '']): Entry => {
    return { kind: 'hbase serializer', type, summary: 'Makes rows of events.', keys, never: true };
  }),
  {
    kind: 'hive serializer',
    type: 'DELIMITED',
    class: 'org.apache.flume.sink.hive.HiveDelimitedTextSerializer',
    summary: 'Bodies are fields with something between them.',
    never: true,
    keys: `
delimiter | text | , | What is between fields; may stand in double quotes.
fieldnames | text | required | The columns, separated by commas; an empty one passes over a field.
serdeSeparator | text | - | The character that Hive gets between fields.
`,
  },
  {
    kind: 'hive serializer',
    type: 'JSON',
    class: 'org.apache.flume.sink.hive.HiveJsonSerializer',
    summary: 'Bodies are JSON objects.',
    never: true,
    keys: '',
  },
  ...['LogStashEvent', 'Dynamic'].map((name): Entry => {
    return {
      kind: 'elasticsearch serializer',
      type: `org.apache.flume.sink.elasticsearch.ElasticSearch${name}Serializer`,
      summary: 'Makes documents of events.',
      until: '1.9',
      keys: '',
    };
  }),
  {
    kind: 'index name builder',
    type: 'org.apache.flume.sink.elasticsearch.TimeBasedIndexNameBuilder',
    summary: 'An index each day.',
    until: '1.9',
    keys: `
dateFormat | text | yyyy-MM-dd | How the day is written.
timeZone | text | Etc/UTC | Whose day it is.
`,
  },
  {
    kind: 'index name builder',
    type: 'org.apache.flume.sink.elasticsearch.SimpleIndexNameBuilder',
    summary: 'One index.',
    until: '1.9',
    keys: '',
  },
];

const hostKeys = `
hosts | words | required | Names of the hosts.
hosts.* | text | required | host:port of each.
batch-size | positive events | 100 | The most events of one call.
connect-timeout | natural ms | 20000 | How long to wait for a connection.
request-timeout | natural ms | 20000 | How long to wait for an answer.
`;

/** Clients, which are no part of an agent: known by name, so that nobody looks for them here. */
export const clients: readonly Entry[] = [
  {
    kind: 'rpc client',
    type: 'default',
    class: 'org.apache.flume.api.NettyAvroRpcClient',
    summary: 'Sends events over Avro RPC to one host.',
    keys: `${hostKeys}
compression-type | none/deflate | none | How the whole connection is compressed.
compression-level | natural | 6 | From 1, the fastest, to 9.
trust-all-certs | boolean | false | Accepts whatever certificate the receiver has.
${tlsClientKeys}`,
  },
  {
    kind: 'rpc client',
    type: 'thrift',
    class: 'org.apache.flume.api.ThriftRpcClient',
    summary: 'Sends events over Thrift RPC to one host.',
    keys: `${hostKeys}
protocol | compact/binary | compact | The Thrift protocol.
maxConnections | positive | 5 | The most connections.
${tlsClientKeys}`,
  },
  {
    kind: 'rpc client',
    type: 'default_failover',
    class: 'org.apache.flume.api.FailoverRpcClient',
    summary: 'Sends events to the first host that answers.',
    keys: `${hostKeys}
max-attempts | positive | as many as hosts | How often it tries.
`,
  },
  {
    kind: 'rpc client',
    type: 'default_loadbalance',
    class: 'org.apache.flume.api.LoadBalancingRpcClient',
    summary: 'Sends events to the hosts in turn.',
    keys: `${hostKeys}
host-selector | round_robin/random class | round_robin | Which host is next.
backoff | boolean | false | Leaves a host that failed alone for a time.
maxBackoff | natural ms | 30000 | The longest such time.
`,
  },
  {
    kind: 'rpc client',
    type: 'org.apache.flume.api.SecureThriftRpcClient',
    summary: 'Sends events over Thrift RPC with Kerberos.',
    keys: `
kerberos | boolean | false | Authenticates by Kerberos.
client-principal | text | - | The Kerberos principal of the client.
client-keytab | text | - | The file with its key.
server-principal | text | required | The Kerberos principal of the receiver.
`,
  },
  {
    kind: 'log4j appender',
    type: 'org.apache.flume.clients.log4jappender.Log4jAppender',
    summary: 'Sends what a program logs by log4j 1 to an avro source.',
    keys: `
Hostname | text | required | The host of the avro source.
Port | port | required | Its port.
UnsafeMode | boolean | false | Passes over failures.
Timeout | natural ms | 20000 | How long to wait.
AvroReflectionEnabled | boolean | false | Writes messages as Avro.
AvroSchemaUrl | text | - | The schema of messages.
`,
  },
  {
    kind: 'log4j appender',
    type: 'org.apache.flume.clients.log4jappender.LoadBalancingLog4jAppender',
    summary: 'Sends what a program logs by log4j 1 to several avro sources.',
    keys: `
Hosts | words | required | host:port of each.
Selector | text | ROUND_ROBIN | Which host is next.
MaxBackoff | natural ms | 0 | The longest time a host that failed is left alone; 0: it is not.
UnsafeMode | boolean | false | Passes over failures.
Timeout | natural ms | 20000 | How long to wait.
AvroReflectionEnabled | boolean | false | Writes messages as Avro.
AvroSchemaUrl | text | - | The schema of messages.
`,
  },
];
