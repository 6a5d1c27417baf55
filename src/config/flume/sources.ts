import { type Entry, pollKeys, tlsServerKeys } from './component.ts';

const syslogFormat = `
format.regex | text | - | A format of your own, tried first: a regular expression.
format.search | text | - | What to look for in the text of its time.
format.replace | text | - | What to put in its place.
format.dateFormat | text | - | How that time is written, as Java's SimpleDateFormat has it.
`;

const syslogKeys = `
keepFields | text | none | What stays in the body: none, all, or words as timestamp hostname.
clientIPHeader | text | - | The name of a header for the sender's address; none: no header.
clientHostnameHeader | text | - | The name of a header for the sender's host name; none: no header.
`;

/** The sources of Flume. */
export const sources: readonly Entry[] = [
  {
    kind: 'source',
    type: 'avro',
    summary: 'Takes events from other agents and from Flume clients, over Avro RPC.',
    instead: 'Until it is here, keep Flume for this agent.',
    rereads: 'sender',
    timestamp: 'maybe',
    claims: 'port bind:port',
    keys: `
bind | text | required | The address or host name to listen on.
port | port | required | The port to listen on.
threads | integer lenient | 0 | Threads; Flume 1.10 and later ignores it.
compression-type | none/deflate | none | How the whole connection is compressed; as the sender's.
ipFilter | boolean | false | Lets in only whom ipFilterRules allow.
ipFilterRules | text | if ipFilter | allow:ip:10.*, deny:name:*, … in order, the first that fits.
${tlsServerKeys}`,
  },
  {
    kind: 'source',
    type: 'thrift',
    summary: 'Takes events from other agents and from Flume clients, over Thrift RPC.',
    instead: 'Until it is here, keep Flume for this agent.',
    rereads: 'sender',
    timestamp: 'maybe',
    claims: 'port bind:port',
    keys: `
bind | text | required | The address or host name to listen on.
port | port | required | The port to listen on.
threads | integer | 0 | Threads; 0: as many as needed.
protocol | compact/binary | compact | The Thrift protocol; as the sender's.
kerberos | boolean | false | Authenticates senders by Kerberos.
agent-principal | text | if kerberos | The Kerberos principal of this agent.
agent-keytab | text | if kerberos | The file with its key.
${tlsServerKeys}`,
  },
  {
    kind: 'source',
    type: 'exec',
    summary: 'Runs a command; each line that it writes is an event.',
    instead:
      'For tail -F, use taildir. Else let the command write a file, and tail that by taildir.',
    rereads: 'no',
    batch: 'batchSize',
    keys: `
command | text | required | The command; without shell, split at blanks, whatever quotes it has.
shell | text | - | What runs the command: /bin/sh -c.
restart | boolean | false | Runs the command again when it ends.
restartThrottle | natural ms | 10000 | How long to wait before that.
logStdErr | boolean | false | Puts the command's standard error into the log.
batchSize | positive events | 20 | The most events of one batch.
batchTimeout | natural ms | 3000 | How long a batch that is not full may wait.
charset | text | UTF-8 | The encoding of what the command writes.
`,
  },
  {
    kind: 'source',
    type: 'jms',
    summary: 'Takes messages from a queue or topic of a JMS broker.',
    instead: `JMS needs a Java client: keep a small Flume for it and connect it by Avro, or have the
broker forward its messages to Kafka.`,
    never: true,
    rereads: 'yes',
    batch: 'batchSize',
    keys: `
initialContextFactory | text | required | The class that looks names up.
connectionFactory | text | ConnectionFactory | The name of the connection factory.
providerURL | text | required | Where the broker is.
destinationName | text | required | The queue or topic.
destinationType | queue/topic | required | What it is.
destinationLocator | CDI/JNDI | CDI | How it is found.
messageSelector | text | - | Takes only messages that fit; none: all.
userName | text | - | The user; none: no login.
passwordFile | text | - | The file with the password.
batchSize | positive events | 100 | The most messages of one batch.
errorThreshold | natural | 10 | Failures after which it connects anew.
pollTimeout | natural ms | 1000 | How long to wait for the first message of a batch.
clientId | text | if createDurableSubscription | The name of this client.
createDurableSubscription | boolean | false | Keeps messages of a topic while the agent is down.
durableSubscriptionName | text | if createDurableSubscription | The name of the subscription.
converter.type | text | DEFAULT | What makes events of messages: DEFAULT or a Java class.
converter.charset | text | UTF-8 | The encoding of text messages.
converter.* | text | - | Options of the converter.
${pollKeys}`,
  },
  {
    kind: 'source',
    type: 'spooldir',
    summary: 'Reads files that are put, finished, into a directory.',
    instead: 'Until it is here, read them by taildir, with filegroups.<name> = <spoolDir>/.*',
    rereads: 'yes',
    batch: 'batchSize',
    claims: 'directory spoolDir',
    parts: { deserializer: 'deserializer' },
    keys: `
spoolDir | text | required | The directory; it must be there when the source starts.
fileSuffix | text | .COMPLETED | What is put behind the name of a file that was read.
deletePolicy | never/immediate | never | Whether a file that was read is deleted.
fileHeader | boolean | false | Adds a header with the path of the file.
fileHeaderKey | text | file | The name of that header.
basenameHeader | boolean | false | Adds a header with the name of the file.
basenameHeaderKey | text | basename | The name of that header.
includePattern | text | ^.*$ | Reads only files whose whole name fits.
ignorePattern | text | ^$ | Leaves out files whose whole name fits.
trackerDir | text | .flumespool | Where it remembers what was read; relative to spoolDir.
trackingPolicy | rename/tracker_dir | rename | How it remembers which files were read.
consumeOrder | oldest/youngest/random | oldest | Which file is next.
pollDelay | natural ms | 500 | How often it looks for new files.
recursiveDirectorySearch | boolean | false | Reads the directories below, too.
maxBackoff | natural ms | 4000 | The longest wait while the channel is full.
batchSize | positive events | 100 | The most events of one batch.
inputCharset | text | UTF-8 | The encoding of the files.
decodeErrorPolicy | fail/replace/ignore | fail | What to do with bytes that are no text.
deserializer | text | LINE | What makes events of a file: LINE, AVRO or a Java class.
deserializer.* | text | - | Options of the deserializer.
bufferMaxLines | integer dead | - | it has had no effect for long
bufferMaxLineLength | integer deprecated | - | Write deserializer.maxLineLength.
`,
  },
  {
    kind: 'source',
    type: 'taildir',
    summary: 'Tails files that match patterns, and remembers how far it came.',
    rereads: 'yes',
    batch: 'batchSize',
    claims: 'file positionFile',
    keys: `
filegroups | words | required | The names of the file groups.
filegroups.* | text | required | Per group: a directory, then a pattern for whole file names.
positionFile | text | ~/.flume/taildir_position.json | Where it remembers how far it came.
headers.* | text | - | Headers per group: headers.<group>.<name>.
byteOffsetHeader | boolean | false | Adds the header byteoffset: where in the file the line begins.
skipToEnd | boolean | false | Begins at the end of files that were never read.
idleTimeout | natural ms | 120000 | When a file that does not change is closed.
writePosInterval | natural ms | 3000 | How often the position file is written.
batchSize | positive events | 100 | The most events of one batch.
maxBatchCount | integer | no limit | Batches from one file before others have their turn.
cachePatternMatching | boolean | true | Lists a directory again only when it has changed.
fileHeader | boolean | false | Adds a header with the path of the file.
fileHeaderKey | text | file | The name of that header.
${pollKeys}`,
  },
  {
    kind: 'source',
    type: 'seq',
    summary: 'Counts: 0, 1, 2 … For tests.',
    rereads: 'no',
    batch: 'batchSize',
    keys: `
totalEvents | natural | no limit | How many events it makes.
batchSize | positive events | 1 | The events of one batch.
${pollKeys}`,
  },
  {
    kind: 'source',
    type: 'netcat',
    summary: 'Takes lines over TCP, and answers OK to each.',
    instead: 'Until it is here, keep Flume for this agent.',
    rereads: 'no',
    claims: 'port bind:port',
    keys: `
bind | text | required | The address or host name to listen on.
port | port | required | The port to listen on.
max-line-length | positive characters | 512 | The longest line, its end included.
ack-every-event | boolean | true | Answers OK to each line.
encoding | text | utf-8 | The encoding of the lines.
`,
  },
  {
    kind: 'source',
    type: 'netcatudp',
    summary: 'Takes datagrams; the first line of each is an event.',
    instead: 'Until it is here, keep Flume for this agent.',
    rereads: 'no',
    claims: 'udp bind:port',
    keys: `
bind | text | all interfaces | The address or host name to listen on.
port | port | required | The port to listen on.
remoteAddress | text | - | The name of a header for the sender's address; none: no header.
`,
  },
  {
    kind: 'source',
    type: 'syslogtcp',
    summary: 'Takes syslog messages over TCP.',
    instead: 'Until it is here, let a syslog daemon write files, and read them by taildir.',
    rereads: 'no',
    timestamp: 'yes',
    claims: 'port host:port',
    keys: `
host | text | all interfaces | The address or host name to listen on.
port | port | required | The port to listen on.
eventSize | positive bytes | 2500 | The longest message; a longer one is cut in two.
${syslogKeys}${syslogFormat}${tlsServerKeys}`,
  },
  {
    kind: 'source',
    type: 'multiport_syslogtcp',
    summary: 'Takes syslog messages over TCP, at several ports.',
    instead: 'Until it is here, let a syslog daemon write files, and read them by taildir.',
    rereads: 'no',
    timestamp: 'yes',
    batch: 'batchSize',
    claims: 'port host:ports',
    keys: `
host | text | all interfaces | The address or host name to listen on.
ports | words | required | The ports to listen on, separated by blanks.
eventSize | positive bytes | 2500 | The longest message; a longer one is cut in two.
${syslogKeys}
portHeader | text | - | The name of a header for the port; none: no header.
charset.default | text | UTF-8 | The encoding of messages.
charset.port.* | text | - | The encoding at one port: charset.port.<port>.
batchSize | positive events | 100 | The most events of one batch.
readBufferBytes | positive bytes | 1024 | The size of a connection's buffer.
numProcessors | positive | as many as needed | Threads.
${tlsServerKeys}`,
  },
  {
    kind: 'source',
    type: 'syslogudp',
    summary: 'Takes syslog messages over UDP.',
    instead: 'Until it is here, let a syslog daemon write files, and read them by taildir.',
    rereads: 'no',
    timestamp: 'yes',
    claims: 'udp host:port',
    keys: `
host | text | all interfaces | The address or host name to listen on.
port | port | required | The port to listen on.
${syslogKeys}${syslogFormat}`,
  },
  {
    kind: 'source',
    type: 'http',
    summary: 'Takes events over HTTP: the events of a request are one batch.',
    instead: 'Until it is here, keep Flume for this agent.',
    rereads: 'sender',
    timestamp: 'maybe',
    claims: 'port bind:port',
    parts: { handler: 'handler' },
    keys: `
port | port | required | The port to listen on.
bind | text | 0.0.0.0 | The address or host name to listen on.
handler | text | org.apache.flume.source.http.JSONHandler | The class that reads requests.
handler.* | text | - | Options of the handler.
enableSSL | boolean deprecated | - | Write ssl.
excludeProtocols | words deprecated | - | Write exclude-protocols.
keystorePassword | text secret deprecated | - | Write keystore-password.
QueuedThreadPool.* | text | - | Settings of the Jetty server's threads.
HttpConfiguration.* | text | - | Settings of the Jetty server's HTTP.
SslContextFactory.* | text | - | Settings of the Jetty server's TLS.
ServerConnector.* | text | - | Settings of the Jetty server's connections.
${tlsServerKeys}`,
  },
  {
    kind: 'source',
    type: 'org.apache.flume.source.StressSource',
    summary: 'Makes events of one size as fast as they are taken. For load tests.',
    rereads: 'no',
    batch: 'batchSize',
    keys: `
size | natural bytes | 500 | The size of an event.
maxTotalEvents | integer | -1 | Events it makes, failed ones included; -1: no limit.
maxSuccessfulEvents | integer | -1 | Events it makes, failed ones not included; -1: no limit.
batchSize | positive events | 1 | The events of one batch.
maxEventsPerSecond | integer | 0 | The most events of a second; 0: no limit.
${pollKeys}`,
  },
  {
    kind: 'source',
    type: 'org.apache.flume.source.kafka.KafkaSource',
    summary: 'Reads topics of Kafka, as one member of a consumer group.',
    instead: 'Until it is here, keep Flume for this agent.',
    rereads: 'yes',
    timestamp: 'yes',
    batch: 'batchSize',
    keys: `
kafka.bootstrap.servers | text | or zookeeperConnect | Brokers: host:port, separated by commas.
kafka.topics | text | or kafka.topics.regex, topic | Topics, separated by commas.
kafka.topics.regex | text | - | Topics, as a regular expression; it wins over kafka.topics.
kafka.consumer.group.id | text | flume | The consumer group.
batchSize | positive events | 1000 | The most events of one batch.
batchDurationMillis | positive ms | 1000 | How long a batch that is not full may wait.
useFlumeEventFormat | boolean | false | The records are Flume events in Avro's binary form.
setTopicHeader | boolean | true | Adds a header with the topic.
topicHeader | text | topic | The name of that header.
header.* | text | - | A header of the record for the event: header.<event's> = <record's>.
kafka.consumer.* | text | - | Settings of the Kafka consumer.
zookeeperConnect | text deprecated | - | Write kafka.bootstrap.servers.
migrateZookeeperOffsets | boolean deprecated | - | Remove it, once offsets were migrated.
topic | text deprecated | - | Write kafka.topics.
groupId | text deprecated | - | Write kafka.consumer.group.id.
${pollKeys}`,
  },
  {
    kind: 'source',
    type: 'org.apache.flume.source.scribe.ScribeSource',
    summary: 'Takes messages of Scribe clients.',
    instead: 'Keep a small Flume for it and connect it by Avro: Scribe has been retired.',
    never: true,
    rereads: 'sender',
    claims: 'port 0.0.0.0:port',
    keys: `
port | port | 1499 | The port to listen on.
workerThreads | positive | 5 | Threads.
maxReadBufferBytes | positive bytes | 16384000 | The largest request.
`,
  },
  {
    kind: 'source',
    type: 'org.apache.flume.source.twitter.TwitterSource',
    summary: 'Took a sample of all tweets.',
    instead:
      'Remove it: Twitter has closed the interface it used, so that Flume cannot use it either.',
    never: true,
    rereads: 'no',
    keys: `
consumerKey | text secret | required | The key of the application.
consumerSecret | text secret | required | The secret of the application.
accessToken | text secret | required | The token of the user.
accessTokenSecret | text secret | required | The secret of the user.
maxBatchSize | positive events | 1000 | The most events of one batch.
maxBatchDurationMillis | positive ms | 1000 | How long a batch that is not full may wait.
`,
  },
  {
    kind: 'source',
    type: 'org.apache.flume.source.avroLegacy.AvroLegacySource',
    summary: 'Takes events of Flume 0.9 agents, over Avro.',
    instead: 'Upgrade the senders of Flume 0.9, or keep a small Flume for them.',
    never: true,
    rereads: 'no',
    timestamp: 'yes',
    claims: 'port host:port',
    keys: `
host | text | required | The address or host name to listen on.
port | port | required | The port to listen on.
`,
  },
  {
    kind: 'source',
    type: 'org.apache.flume.source.thriftLegacy.ThriftLegacySource',
    summary: 'Takes events of Flume 0.9 agents, over Thrift.',
    instead: 'Upgrade the senders of Flume 0.9, or keep a small Flume for them.',
    never: true,
    rereads: 'no',
    timestamp: 'yes',
    claims: 'port host:port',
    keys: `
host | text | required | The address or host name to listen on.
port | port | required | The port to listen on.
`,
  },
];
