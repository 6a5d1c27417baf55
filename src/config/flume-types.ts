import type { ComponentKind } from './definition.ts';
import { own } from './own.ts';

/*
 * Every component that Flume 1.8 to 1.11 has, so that one which Millrace does not have yet is told
 * apart from a misspelt one. Alias → class; what has no alias in Flume stands under its class
 * alone.
 */
type Aliases = Readonly<Record<string, string>>;

const sources: Aliases = {
  avro: 'org.apache.flume.source.AvroSource',
  exec: 'org.apache.flume.source.ExecSource',
  http: 'org.apache.flume.source.http.HTTPSource',
  jms: 'org.apache.flume.source.jms.JMSSource',
  multiport_syslogtcp: 'org.apache.flume.source.MultiportSyslogTCPSource',
  netcat: 'org.apache.flume.source.NetcatSource',
  netcatudp: 'org.apache.flume.source.NetcatUdpSource',
  seq: 'org.apache.flume.source.SequenceGeneratorSource',
  spooldir: 'org.apache.flume.source.SpoolDirectorySource',
  syslogtcp: 'org.apache.flume.source.SyslogTcpSource',
  syslogudp: 'org.apache.flume.source.SyslogUDPSource',
  taildir: 'org.apache.flume.source.taildir.TaildirSource',
  thrift: 'org.apache.flume.source.ThriftSource',
};

const sinks: Aliases = {
  asynchbase: 'org.apache.flume.sink.hbase.AsyncHBaseSink',
  avro: 'org.apache.flume.sink.AvroSink',
  elasticsearch: 'org.apache.flume.sink.elasticsearch.ElasticSearchSink',
  file_roll: 'org.apache.flume.sink.RollingFileSink',
  hbase: 'org.apache.flume.sink.hbase.HBaseSink',
  hbase2: 'org.apache.flume.sink.hbase2.HBase2Sink',
  hdfs: 'org.apache.flume.sink.hdfs.HDFSEventSink',
  hive: 'org.apache.flume.sink.hive.HiveSink',
  http: 'org.apache.flume.sink.http.HttpSink',
  irc: 'org.apache.flume.sink.irc.IRCSink',
  logger: 'org.apache.flume.sink.LoggerSink',
  morphline_solr: 'org.apache.flume.sink.solr.morphline.MorphlineSolrSink',
  null: 'org.apache.flume.sink.NullSink',
  thrift: 'org.apache.flume.sink.ThriftSink',
};

const channels: Aliases = {
  file: 'org.apache.flume.channel.file.FileChannel',
  jdbc: 'org.apache.flume.channel.jdbc.JdbcChannel',
  memory: 'org.apache.flume.channel.MemoryChannel',
  spillablememory: 'org.apache.flume.channel.SpillableMemoryChannel',
};

const interceptors: Aliases = {
  host: 'org.apache.flume.interceptor.HostInterceptor$Builder',
  regex_extractor: 'org.apache.flume.interceptor.RegexExtractorInterceptor$Builder',
  regex_filter: 'org.apache.flume.interceptor.RegexFilteringInterceptor$Builder',
  remove_header: 'org.apache.flume.interceptor.RemoveHeaderInterceptor$Builder',
  search_replace: 'org.apache.flume.interceptor.SearchAndReplaceInterceptor$Builder',
  static: 'org.apache.flume.interceptor.StaticInterceptor$Builder',
  timestamp: 'org.apache.flume.interceptor.TimestampInterceptor$Builder',
};

const selectors: Aliases = {
  load_balancing: 'org.apache.flume.channel.LoadBalancingChannelSelector',
  multiplexing: 'org.apache.flume.channel.MultiplexingChannelSelector',
  replicating: 'org.apache.flume.channel.ReplicatingChannelSelector',
};

const serializers: Aliases = {
  avro_event: 'org.apache.flume.serialization.FlumeEventAvroEventSerializer$Builder',
  header_and_text: 'org.apache.flume.serialization.HeaderAndBodyTextEventSerializer$Builder',
  text: 'org.apache.flume.serialization.BodyTextEventSerializer$Builder',
};

const classesOnly: Readonly<Record<ComponentKind, readonly string[]>> = {
  source: [
    'org.apache.flume.source.StressSource',
    'org.apache.flume.source.kafka.KafkaSource',
    'org.apache.flume.source.scribe.ScribeSource',
    'org.apache.flume.source.twitter.TwitterSource',
    'org.apache.flume.source.avroLegacy.AvroLegacySource',
    'org.apache.flume.source.thriftLegacy.ThriftLegacySource',
  ],
  channel: [
    'org.apache.flume.channel.PseudoTxnMemoryChannel',
    'org.apache.flume.channel.kafka.KafkaChannel',
  ],
  sink: [
    'org.apache.flume.sink.kafka.KafkaSink',
    'org.apache.flume.sink.kite.DatasetSink',
    'org.apache.flume.sink.kudu.KuduSink',
    'org.apache.flume.sink.solr.morphline.MorphlineSink',
  ],
  interceptor: [
    'org.apache.flume.sink.solr.morphline.MorphlineInterceptor$Builder',
    'org.apache.flume.sink.solr.morphline.UUIDInterceptor$Builder',
  ],
  selector: [],
  serializer: ['org.apache.flume.sink.hdfs.AvroEventSerializer$Builder'],
};

const aliases: Readonly<Record<ComponentKind, Aliases>> = {
  source: sources,
  channel: channels,
  sink: sinks,
  interceptor: interceptors,
  selector: selectors,
  serializer: serializers,
};

/** Flume's own class behind a type, given as alias in any case or as class; else undefined. */
export function flumeClass(kind: ComponentKind, type: string): string | undefined {
  const known = aliases[kind];
  const alias = own(known, type.toLowerCase());
  const isClass = Object.values(known).includes(type) || classesOnly[kind].includes(type);
  return alias ?? (isClass ? type : undefined);
}

/** All that Flume has of a kind: its word for it, or the class where it has none → class. */
export function flumeClasses(kind: ComponentKind): ReadonlyMap<string, string> {
  const classes = classesOnly[kind].map((name): [string, string] => [name, name]);
  return new Map([...Object.entries(aliases[kind]), ...classes]);
}
