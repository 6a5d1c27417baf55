import { type Entry, tlsClientKeys } from './component.ts';

const rpcKeys = `
hostname | text | required | The host to send to.
port | port | required | Its port.
batch-size | positive lenient events | 100 | The most events of one call.
connect-timeout | natural ms | 20000 | How long to wait for a connection.
request-timeout | natural ms | 20000 | How long to wait for an answer.
reset-connection-interval | natural s | 0 | Connects anew so often; 0: never.
client.type | text | - | Makes it a client of several hosts, by hosts and hosts.<name>.
hosts | words | - | Names of hosts, for client.type.
hosts.* | text | - | host:port of each.
`;

const hbaseKeys = `
table | text | required | The table.
columnFamily | text | required | The column family.
batchSize | positive events | 100 | The most events of one batch.
serializer.* | text | - | Options of the serializer.
zookeeperQuorum | text | - | ZooKeeper hosts, separated by commas; none: as hbase-site.xml says.
znodeParent | text | /hbase | Where HBase is in ZooKeeper.
enableWal | boolean | true | Writes go to HBase's log first.
coalesceIncrements | boolean | false | Adds up increments of a batch.
kerberosPrincipal | text | - | The Kerberos principal.
kerberosKeytab | text | - | The file with its key.
`;

const hbaseInstead = `HBase needs a Java client: send the events by Avro to a small Flume beside
HBase, and keep this sink there.`;

const morphlineKeys = `
morphlineFile | text | required | The file of the morphline.
morphlineId | text | - | Which morphline of the file; none: the first.
morphlineVariable.* | text | - | Variables of the morphline.
batchSize | positive events | 1000 | The most events of one batch.
batchDurationMillis | positive ms | 1000 | How long a batch that is not full may wait.
handlerClass | text | org.apache.flume.sink.solr.morphline.MorphlineHandlerImpl | A Java class.
isProductionMode | boolean | false | Passes over events that fail for good.
recoverableExceptionClasses | text | org.apache.solr.client.solrj.SolrServerException | Classes.
isIgnoringRecoverableExceptions | boolean | false | Passes over events that fail for a time.
`;

const morphlineInstead = `Morphlines are Java, and no longer developed: send the events by Avro to a
small Flume, and keep this sink there.`;

const hdfsKeys = `
hdfs.path | text | required | The directory; %Y-%m-%d, %{header} and the like are filled in.
hdfs.filePrefix | text | FlumeData | Begins the names of files; filled in, too.
hdfs.fileSuffix | text | - | Ends the names of files, with its dot; none: what hdfs.codeC adds.
hdfs.inUsePrefix | text | - | Begins the names of files that are being written.
hdfs.inUseSuffix | text | .tmp | Ends the names of files that are being written.
hdfs.emptyInUseSuffix | boolean | false | Puts nothing behind those names.
hdfs.rollInterval | natural s | 30 | Closes a file of this age; 0: whatever its age.
hdfs.rollSize | natural bytes | 1024 | Closes a file of this size; 0: whatever its size.
hdfs.rollCount | natural events | 10 | Closes a file with so many events; 0: however many it has.
hdfs.idleTimeout | natural s | 0 | Closes a file that nothing was written to for so long; 0: never.
hdfs.batchSize | positive events | 100 | The most events of one batch.
hdfs.codeC | text | - | The compression: gzip, bzip2, snappy, lz4, lzo, default or a Java class.
hdfs.fileType | SequenceFile/DataStream/CompressedStream | SequenceFile | The form of files.
hdfs.maxOpenFiles | positive | 5000 | The most files open at once.
hdfs.minBlockReplicas | natural | - | Replicas a block must have; none: as HDFS says.
hdfs.writeFormat | Writable/Text exact class | Writable | The form of bodies in a SequenceFile.
hdfs.writeFormat.* | text dead | - | Flume reads writeFormat.*, without hdfs.
writeFormat.* | text | - | Options of the write format.
hdfs.callTimeout | natural ms | 30000 | The longest time an operation may take.
hdfs.threadsPoolSize | positive | 10 | Threads for files.
hdfs.rollTimerPoolSize | positive | 1 | Threads that watch the age of files.
hdfs.kerberosPrincipal | text | - | The Kerberos principal.
hdfs.kerberosKeytab | text | - | The file with its key.
hdfs.proxyUser | text | - | The user in whose name files are written.
hdfs.round | boolean | false | Rounds the time in paths down.
hdfs.roundValue | positive | 1 | To a multiple of this.
hdfs.roundUnit | second/minute/hour lenient | second | The unit of that.
hdfs.timeZone | text | - | The time zone of the time in paths; none: the machine's.
hdfs.useLocalTimeStamp | boolean | false | Takes the clock's time, not that of the header timestamp.
hdfs.closeTries | natural | no limit | How often it tries to close a file.
hdfs.retryInterval | natural s | 180 | The time between two tries.
hdfs.useRawLocalFileSystem | boolean | false | Writes no checksum files beside local files.
serializer | text | TEXT | The form of events in the files that are no SequenceFile.
serializer.* | text | - | Options of the serializer; without hdfs. before them.
`;

/** The sinks of Flume. */
export const sinks: readonly Entry[] = [
  {
    kind: 'sink',
    type: 'null',
    summary: 'Drops every event.',
    batch: 'batchSize',
    keys: `
batchSize | positive events | 100 | The most events of one batch.
logEveryNEvents | positive events | 10000 | Writes into the log each time it dropped so many.
`,
  },
  {
    kind: 'sink',
    type: 'logger',
    summary: "Writes every event into the agent's log.",
    keys: `
maxBytesToLog | natural lenient bytes | 16 | How much of a body it writes.
`,
  },
  {
    kind: 'sink',
    type: 'file_roll',
    summary: 'Writes events to local files, a new one every so often.',
    batch: 'sink.batchSize',
    parts: { 'sink.serializer': 'serializer' },
    keys: `
sink.directory | text | required | The directory; it must be there.
sink.rollInterval | integer s | 30 | Begins a new file so often; 0: never.
sink.batchSize | positive events | 100 | The most events of one batch.
sink.serializer | text | TEXT | The form of events: TEXT, HEADER_AND_TEXT, AVRO_EVENT or a class.
sink.serializer.* | text | - | Options of the serializer.
sink.pathManager | default/rolltime class | default | What makes the names of files.
sink.pathManager.prefix | text | - | Begins the names of files.
sink.pathManager.extension | text | - | Ends the names of files, without its dot.
`,
  },
  {
    kind: 'sink',
    type: 'hdfs',
    summary: 'Writes events into files on HDFS.',
    batch: 'hdfs.batchSize',
    parts: { serializer: 'serializer' },
    keys: hdfsKeys,
  },
  {
    kind: 'sink',
    type: 'avro',
    summary: 'Sends events to another agent, over Avro RPC.',
    instead: 'Until it is here, keep Flume for this agent.',
    batch: 'batch-size',
    keys: `${rpcKeys}
compression-type | none/deflate | none | How the whole connection is compressed; as at the receiver.
compression-level | natural | 6 | From 1, the fastest, to 9.
trust-all-certs | boolean | false | Accepts whatever certificate the receiver has.
${tlsClientKeys}
maxIoWorkers | positive dead | - | Flume does not read it
`,
  },
  {
    kind: 'sink',
    type: 'thrift',
    summary: 'Sends events to another agent, over Thrift RPC.',
    instead: 'Until it is here, keep Flume for this agent.',
    batch: 'batch-size',
    keys: `${rpcKeys}
connection-reset-interval | natural dead | - | Flume reads reset-connection-interval
protocol | compact/binary | compact | The Thrift protocol; as at the receiver.
maxConnections | positive | 1 | Connections; this sink has one.
kerberos | boolean | false | Authenticates by Kerberos.
client-principal | text | if kerberos | The Kerberos principal of this agent.
client-keytab | text | if kerberos | The file with its key.
server-principal | text | if kerberos | The Kerberos principal of the receiver.
${tlsClientKeys}`,
  },
  {
    kind: 'sink',
    type: 'org.apache.flume.sink.kafka.KafkaSink',
    summary: 'Writes events to topics of Kafka.',
    instead: 'Until it is here, keep Flume for this agent.',
    batch: 'flumeBatchSize batchSize',
    keys: `
kafka.bootstrap.servers | text | or brokerList | Brokers: host:port, separated by commas.
kafka.topic | text | default-flume-topic | The topic.
flumeBatchSize | positive events | 100 | The most events of one batch.
kafka.producer.acks | text | 1 | How many brokers must have a record: 0, 1 or all.
kafka.producer.* | text | - | Settings of the Kafka producer.
useFlumeEventFormat | boolean | false | Writes Flume events in Avro's binary form; false: bodies.
defaultPartitionId | natural | - | The partition to write to; none: as Kafka chooses.
partitionIdHeader | text | - | The header with the partition to write to.
allowTopicOverride | boolean | true | A header of the event may name the topic.
topicHeader | text | topic | That header.
timestampHeader | text | - | The header with the record's time, in ms.
header.* | text | - | A header of the event as one of the record: header.<event's> = <record's>.
topic | text deprecated | - | Write kafka.topic.
brokerList | text deprecated | - | Write kafka.bootstrap.servers.
batchSize | positive deprecated | - | Write flumeBatchSize.
requiredAcks | text deprecated | - | Write kafka.producer.acks.
serializer.class | text dead | - | Flume does not read it
key.serializer.class | text dead | - | Flume does not read it
`,
  },
  {
    kind: 'sink',
    type: 'http',
    summary: 'Posts each event to an URL.',
    instead: 'Until it is here, keep Flume for this agent.',
    keys: `
endpoint | text | required | The URL.
connectTimeout | positive ms | 5000 | How long to wait for a connection.
requestTimeout | positive ms | 5000 | How long to wait for an answer.
contentTypeHeader | text | text/plain | The Content-Type of requests.
acceptHeader | text | text/plain | The Accept of requests.
defaultBackoff | boolean | true | Waits after an answer that no backoff line names.
defaultRollback | boolean | true | Sends the event again after an answer no rollback line names.
defaultIncrementMetrics | boolean | false | Counts an answer that no line names as delivered.
backoff.* | boolean | - | Per status code, 503 or 5XX: whether to wait.
rollback.* | boolean | - | Per status code: whether to send the event again.
incrementMetrics.* | boolean | - | Per status code: whether it counts as delivered.
`,
  },
  {
    kind: 'sink',
    type: 'irc',
    summary: 'Posts events to a channel of IRC.',
    instead: 'Write it in TypeScript, or keep a small Flume for it.',
    never: true,
    keys: `
hostname | text | required | The IRC server.
port | port | 6667 | Its port.
nick | text | required | The nick name.
user | text | - | The user.
password | text secret | - | The password.
name | text | - | The real name.
chan | text | required | The channel, without #.
splitlines | boolean | false | Posts a line at a time.
splitchars | text | - | What ends a line.
`,
  },
  {
    kind: 'sink',
    type: 'hbase',
    summary: 'Writes events to a table of HBase 1.',
    instead: hbaseInstead,
    never: true,
    batch: 'batchSize',
    parts: { serializer: 'hbase serializer' },
    keys: `${hbaseKeys}
serializer | text | org.apache.flume.sink.hbase.SimpleHbaseEventSerializer | A Java class.
`,
  },
  {
    kind: 'sink',
    type: 'hbase2',
    summary: 'Writes events to a table of HBase 2.',
    instead: hbaseInstead,
    never: true,
    batch: 'batchSize',
    parts: { serializer: 'hbase serializer' },
    keys: `${hbaseKeys}
serializer | text | org.apache.flume.sink.hbase2.SimpleHBase2EventSerializer | A Java class.
`,
  },
  {
    kind: 'sink',
    type: 'asynchbase',
    summary: 'Writes events to a table of HBase 1, without waiting for each.',
    instead: hbaseInstead,
    never: true,
    batch: 'batchSize',
    parts: { serializer: 'hbase serializer' },
    keys: `${hbaseKeys}
serializer | text | org.apache.flume.sink.hbase.SimpleAsyncHbaseEventSerializer | A Java class.
timeout | natural ms | 60000 | How long a batch may take.
maxConsecutiveFails | positive | 10 | Failures after which it connects anew.
async.* | text | - | Settings of the HBase client.
`,
  },
  {
    kind: 'sink',
    type: 'hive',
    summary: 'Streams events into a transactional table of Hive.',
    instead: 'Write files by the hdfs sink, and let Hive have them as an external table.',
    never: true,
    batch: 'batchSize',
    parts: { serializer: 'hive serializer' },
    keys: `
hive.metastore | text | required | The metastore: thrift://host:9083.
hive.database | text | required | The database.
hive.table | text | required | The table.
hive.partition | text | - | Values of its partition, separated by commas; %Y is filled in.
hive.txnsPerBatchAsk | positive | 100 | Transactions it asks for at once.
batchSize | positive events | 15000 | The most events of one transaction.
heartBeatInterval | natural s | 240 | How often it says that it lives; 0: never.
maxOpenConnections | positive | 500 | The most connections.
idleTimeout | natural ms | 0 | Closes a connection that is not used for so long; 0: never.
callTimeout | natural ms | 10000 | How long an operation may take.
autoCreatePartitions | boolean | true | Makes partitions that are missing.
round | boolean | false | Rounds the time in the partition down.
roundUnit | second/minute/hour | minute | The unit of that.
roundValue | positive | 1 | To a multiple of this.
timeZone | text | - | The time zone of the time in the partition; none: the machine's.
useLocalTimeStamp | boolean | false | Takes the time from the clock, not from the header timestamp.
serializer | text | required | The form of bodies: DELIMITED, JSON or a Java class.
serializer.* | text | - | Options of the serializer.
`,
  },
  {
    kind: 'sink',
    type: 'morphline_solr',
    summary: 'Sends events through a morphline into Solr.',
    instead: morphlineInstead,
    never: true,
    batch: 'batchSize',
    keys: morphlineKeys,
  },
  {
    kind: 'sink',
    type: 'org.apache.flume.sink.solr.morphline.MorphlineSink',
    summary: 'Sends events through a morphline.',
    instead: morphlineInstead,
    never: true,
    batch: 'batchSize',
    keys: morphlineKeys,
  },
  {
    kind: 'sink',
    type: 'org.apache.flume.sink.kudu.KuduSink',
    summary: 'Writes events to a table of Kudu.',
    instead: `Kudu needs a Java client: send the events by Avro to a small Flume, and keep this sink
there.`,
    never: true,
    batch: 'batchSize',
    keys: `
masterAddresses | text | required | Kudu masters, separated by commas.
tableName | text | required | The table.
batchSize | positive events | 1000 | The most events of one batch.
timeoutMillis | positive ms | 30000 | How long an operation may take.
ignoreDuplicateRows | boolean | true | Passes over rows that are there already.
producer | text | org.apache.flume.sink.kudu.SimpleKuduOperationsProducer | A Java class.
producer.* | text | - | Options of the producer.
kerberosPrincipal | text | - | The Kerberos principal.
kerberosKeytab | text | - | The file with its key.
proxyUser | text | - | The user in whose name it writes.
`,
  },
  {
    kind: 'sink',
    type: 'elasticsearch',
    summary: 'Put events into an index of Elasticsearch.',
    until: '1.9',
    instead:
      'Write files by file_roll, and let an Elasticsearch shipper (Filebeat, Logstash) read them.',
    parts: {
      serializer: 'elasticsearch serializer',
      indexNameBuilder: 'index name builder',
    },
    keys: `
hostNames | text | required | Hosts, separated by commas, each host or host:port.
indexName | text | flume | The beginning of the index's name.
indexType | text | log | The type of documents.
clusterName | text | elasticsearch | The name of the cluster.
batchSize | positive events | 100 | The most events of one batch.
ttl | text | - | How long documents are kept: 5d; none: for ever.
client | transport/rest class | transport | How to connect.
client.* | text | - | Options of the client.
serializer | text | - | A Java class; none: as Logstash has it.
serializer.* | text | - | Options of the serializer.
indexNameBuilder | text | - | A Java class; none: a new index each day.
indexNameBuilder.* | text | - | Options of that.
`,
  },
  {
    kind: 'sink',
    type: 'org.apache.flume.sink.kite.DatasetSink',
    summary: 'Put events into a Kite dataset.',
    until: '1.9',
    instead: 'Write files by the hdfs sink: Kite has been retired.',
    never: true,
    batch: 'kite.batchSize',
    keys: `
kite.dataset.uri | text | or kite.dataset.name | The dataset.
kite.repo.uri | text deprecated | - | Write kite.dataset.uri.
kite.dataset.namespace | text deprecated | - | Write kite.dataset.uri.
kite.dataset.name | text deprecated | - | Write kite.dataset.uri.
kite.batchSize | positive events | 100 | The most events of one batch.
kite.rollInterval | natural s | 30 | Closes a file of this age.
kite.flushable.commiteOnBatch | boolean | true | Commits each batch.
kite.flushable.commitOnBatch | boolean dead | - | Flume reads kite.flushable.commiteOnBatch
kite.syncable.syncOnBatch | boolean | true | Syncs each batch.
kite.entityParser | text | avro | What bodies are: avro or a Java class.
kite.failurePolicy | text | retry | What to do with bad events: retry, save or a Java class.
kite.error.dataset.uri | text | - | Where bad events are saved.
auth.proxyUser | text | - | The user in whose name it writes.
auth.kerberosPrincipal | text | - | The Kerberos principal.
auth.kerberosKeytab | text | - | The file with its key.
`,
  },
];
