import type { Entry } from './component.ts';

const fileKeys = `
checkpointDir | text | ~/.flume/file-channel/checkpoint | Where it notes what the log adds up to.
useDualCheckpoints | boolean | false | Keeps a second copy of that.
backupCheckpointDir | text | if useDualCheckpoints | Where that copy is.
compressBackupCheckpoint | boolean | false | Compresses that copy.
dataDirs | text | ~/.flume/file-channel/data | Where its log is: directories, separated by commas.
transactionCapacity | positive events | 10000 | The most events put or taken at once.
checkpointInterval | positive ms | 30000 | How often it notes what the log adds up to.
maxFileSize | positive bytes | 1623195647 | The largest file of the log.
minimumRequiredSpace | positive bytes | 524288000 | Free space below which it takes nothing in.
use-log-replay-v1 | boolean | false | Reads its log in an old way when it starts.
use-fast-replay | boolean | false | Reads its log in a way that needs much memory.
checkpointOnClose | boolean | true | Notes what the log adds up to when it stops.
fsyncPerTransaction | boolean | true | Syncs each transaction; false: from time to time.
fsyncInterval | positive s | 5 | How often, in that case.
encryption.activeKey | text | if encryption.keyProvider | The name of the key for new files.
encryption.cipherProvider | text | if encryption.keyProvider | AESCTRNOPADDING or a Java class.
encryption.keyProvider | text | - | Where keys come from: JCEKSFILE or a Java class.
encryption.keyProvider.keyStoreFile | text | if encryption.keyProvider | The Java key store.
encryption.keyProvider.keyStorePasswordFile | text | if encryption.keyProvider | Its password.
encryption.keyProvider.keys | words | if encryption.keyProvider | The names of its keys.
encryption.keyProvider.keys.* | text | - | <name>.passwordFile: the file with a key's own password.
`;

/** The channels of Flume. */
export const channels: readonly Entry[] = [
  {
    kind: 'channel',
    type: 'memory',
    summary: 'Keeps events in memory.',
    keys: `
capacity | positive lenient events | 100 | The most events it holds.
transactionCapacity | positive lenient events | 100 | The most events put or taken at once.
keep-alive | natural lenient s | 3 | How long to wait for room, or for an event.
byteCapacity | natural lenient bytes | 80 % of the heap | The most memory bodies may take.
byteCapacityBufferPercentage | natural lenient % | 20 | How much of that is for headers.
`,
  },
  {
    kind: 'channel',
    type: 'file',
    summary: 'Keeps events on disk.',
    claims: 'directory checkpointDir, directory dataDirs',
    keys: `
capacity | positive events | 1000000 | The most events it holds.
keep-alive | natural s | 3 | How long to wait for room.
${fileKeys}`,
  },
  {
    kind: 'channel',
    type: 'spillablememory',
    summary: 'Keeps events in memory, and on disk those that memory has no room for.',
    claims: 'directory checkpointDir, directory dataDirs',
    keys: `
memoryCapacity | natural lenient events | 10000 | The most events in memory; 0: all on disk.
overflowCapacity | natural lenient events | 100000000 | The most events on disk; 0: all in memory.
overflowTimeout | natural lenient s | 3 | How long to wait for memory before it uses the disk.
overflowDeactivationThreshold | natural lenient % | 5 | Free memory at which it leaves the disk.
byteCapacityBufferPercentage | natural lenient % | 20 | How much of the memory is for headers.
byteCapacity | natural lenient bytes | 80 % of the heap | The most memory bodies may take.
avgEventSize | positive lenient bytes | 500 | How large an event is, on average.
${fileKeys}`,
  },
  {
    kind: 'channel',
    type: 'jdbc',
    summary: 'Keeps events in a database, Derby, inside the agent.',
    instead: `Drain it with Flume, then write type = file: that is durable, too, and far faster.`,
    never: true,
    keys: `
db.type | text | DERBY | The kind of database.
driver.class | text | org.apache.derby.jdbc.EmbeddedDriver | The JDBC driver.
driver.url | text | - | Where the database is; none: worked out from the rest.
db.username | text | sa | The user.
db.password | text secret | - | The password.
connection.properties.file | text | - | A file with more settings of the connection.
create.schema | boolean | true | Makes the tables.
create.index | boolean | true | Makes the indexes.
create.foreignkey | boolean | true | Makes the foreign keys.
transaction.isolation | text | READ_COMMITTED | The isolation of transactions.
maximum.connections | positive | 10 | The most connections.
maximum.capacity | natural events | 0 | The most events it holds; 0: no limit.
sysprop.* | text | - | System properties to set.
org.apache.flume.channel.jdbc.* | text deprecated | - | Write the keys without this beginning.
`,
  },
  {
    kind: 'channel',
    type: 'org.apache.flume.channel.kafka.KafkaChannel',
    summary: 'Keeps events in a topic of Kafka.',
    instead: 'Until it is here, use a file channel, or keep Flume for this agent.',
    keys: `
kafka.bootstrap.servers | text | or brokerList | Brokers: host:port, separated by commas.
kafka.topic | text | flume-channel | The topic.
kafka.consumer.group.id | text | flume | The consumer group.
parseAsFlumeEvent | boolean | true | Records are Flume events in Avro's form; false: bare bodies.
kafka.pollTimeout | natural ms | 500 | How long a take waits for records.
pollTimeout | natural dead ms | - | Flume reads kafka.pollTimeout
defaultPartitionId | natural | - | The partition to write to; none: as Kafka chooses.
partitionIdHeader | text | - | The header with the partition to write to.
kafka.consumer.auto.offset.reset | text | earliest | Where to begin without a known offset.
kafka.producer.acks | text | all | How many brokers must have a record.
kafka.producer.* | text | - | Settings of the Kafka producer.
kafka.consumer.* | text | - | Settings of the Kafka consumer.
zookeeperConnect | text deprecated | - | Remove it: Kafka keeps offsets itself.
migrateZookeeperOffsets | boolean deprecated | - | Remove it, once offsets were migrated.
topic | text deprecated | - | Write kafka.topic.
brokerList | text deprecated | - | Write kafka.bootstrap.servers.
groupId | text deprecated | - | Write kafka.consumer.group.id.
readSmallestOffset | boolean deprecated | - | Write kafka.consumer.auto.offset.reset = earliest.
`,
  },
  {
    kind: 'channel',
    type: 'org.apache.flume.channel.PseudoTxnMemoryChannel',
    summary: 'Keeps events in memory, without transactions. For tests.',
    keys: `
capacity | positive lenient events | 50 | The most events it holds.
keep-alive | natural lenient s | 3 | How long a take waits for an event.
`,
  },
];
