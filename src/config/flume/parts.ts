// biome-ignore-all lint/suspicious/noTemplateCurlyInString: that is what the texts speak of.
import type { Entry } from './component.ts';

/** Parts that belong to one component, or to the agent. */
export const parts: readonly Entry[] = [
  {
    kind: 'deserializer',
    type: 'LINE',
    class: 'org.apache.flume.serialization.LineDeserializer$Builder',
    summary: 'An event per line.',
    keys: `
maxLineLength | positive characters | 2048 | A longer line becomes several events.
outputCharset | text | UTF-8 | The encoding of bodies.
`,
  },
  {
    kind: 'deserializer',
    type: 'AVRO',
    class: 'org.apache.flume.serialization.AvroEventDeserializer$Builder',
    summary: 'An event per record of an Avro file.',
    keys: `
schemaType | HASH/LITERAL | HASH | What stands in the header: a hash of the schema, or all of it.
`,
  },
  {
    kind: 'deserializer',
    type: 'org.apache.flume.sink.solr.morphline.BlobDeserializer$Builder',
    summary: 'An event per file.',
    keys: `
maxBlobLength | positive bytes | 100000000 | A larger file becomes several events.
`,
  },
  {
    kind: 'handler',
    type: 'org.apache.flume.source.http.JSONHandler',
    summary: 'A request is a JSON array of events, each with headers and body.',
    keys: '',
  },
  {
    kind: 'handler',
    type: 'org.apache.flume.source.http.BLOBHandler',
    summary: 'The body of a request is an event; its parameters are headers.',
    keys: `
mandatoryParameters | text | - | Parameters that must be there, separated by commas.
`,
  },
  {
    kind: 'handler',
    type: 'org.apache.flume.sink.solr.morphline.BlobHandler',
    summary: 'The body of a request is an event; its parameters are headers.',
    keys: `
maxBlobLength | positive bytes | 100000000 | A larger body is cut.
`,
  },
  {
    kind: 'header serializer',
    type: 'org.apache.flume.interceptor.RegexExtractorInterceptorPassThroughSerializer',
    summary: 'Of regex_extractor: the text as it is; what DEFAULT means.',
    keys: '',
  },
  {
    kind: 'header serializer',
    type: 'org.apache.flume.interceptor.RegexExtractorInterceptorMillisSerializer',
    summary: 'Of regex_extractor: a time as ms since 1970.',
    keys: `
pattern | text | required | How the time is written, as Joda-Time has it.
`,
  },
  {
    kind: 'config filter',
    type: 'env',
    class: 'org.apache.flume.configfilter.EnvironmentVariableConfigFilter',
    summary: "Puts environment variables in the place of ${name['KEY']}.",
    keys: '',
  },
  {
    kind: 'config filter',
    type: 'external',
    class: 'org.apache.flume.configfilter.ExternalProcessConfigFilter',
    summary: "Puts what a program writes in the place of ${name['key']}.",
    keys: `
command | text | required | The program; the key is its last argument.
charset | text | UTF-8 | The encoding of what it writes.
`,
  },
  {
    kind: 'config filter',
    type: 'hadoop',
    class: 'org.apache.flume.configfilter.HadoopCredentialStoreConfigFilter',
    summary: "Puts passwords of a Hadoop credential store in the place of ${name['alias']}.",
    instead: 'Use external, with a command that asks the store.',
    keys: `
credential.provider.path | text | required | Where the store is.
credstore.java-keystore-provider.password-file | text | - | The file with its password.
`,
  },
  {
    kind: 'monitor',
    type: 'http',
    class: 'org.apache.flume.instrumentation.http.HTTPMetricsServer',
    summary: 'Serves the counters as JSON: -Dflume.monitoring.type=http.',
    keys: `
flume.monitoring.port | port | 41414 | The port.
`,
  },
  {
    kind: 'monitor',
    type: 'ganglia',
    class: 'org.apache.flume.instrumentation.GangliaServer',
    summary: 'Sends the counters to Ganglia.',
    instead: 'Use -Dflume.monitoring.type=http, and let Prometheus read it.',
    never: true,
    keys: `
flume.monitoring.hosts | text | required | host:port of Ganglia, separated by commas.
flume.monitoring.pollFrequency | positive s | 60 | How often.
flume.monitoring.isGanglia3 | boolean | false | Ganglia 3.0, not 3.1.
`,
  },
  {
    kind: 'monitor',
    type: 'org.apache.flume.instrumentation.http.PrometheusHTTPMetricsServer',
    summary: 'Serves the counters to Prometheus; in no release of Flume 1.',
    instead: 'Use -Dflume.monitoring.type=http: it serves Prometheus, too.',
    keys: `
flume.monitoring.port | port | 41414 | The port.
`,
  },
  {
    kind: 'sink group',
    type: 'sink group',
    class: 'org.apache.flume.sink.SinkGroup',
    summary: 'Sinks that work as one.',
    keys: `
sinks | words | required | Its sinks.
processor.type | text | required | failover, load_balance, default or a Java class.
`,
  },
  {
    kind: 'sink processor',
    type: 'default',
    class: 'org.apache.flume.sink.DefaultSinkProcessor',
    summary: 'One sink by itself.',
    keys: '',
  },
  {
    kind: 'sink processor',
    type: 'failover',
    class: 'org.apache.flume.sink.FailoverSinkProcessor',
    summary: 'The sink of the highest priority that works.',
    keys: `
processor.priority.* | integer lenient | - | A sink's priority; each has another one.
processor.maxpenalty | natural lenient ms | 30000 | How long a sink that failed is left alone.
`,
  },
  {
    kind: 'sink processor',
    type: 'load_balance',
    class: 'org.apache.flume.sink.LoadBalancingSinkProcessor',
    summary: 'The sinks in turn.',
    keys: `
processor.backoff | boolean | false | Leaves a sink that failed alone for a time.
processor.selector | round_robin/random class | round_robin | Which sink is next.
processor.selector.maxTimeOut | natural ms | 30000 | The longest such time.
processor.selector.* | text | - | Options of a selector of your own.
`,
  },
  {
    kind: 'sink selector',
    type: 'round_robin',
    class: 'org.apache.flume.sink.LoadBalancingSinkProcessor$RoundRobinSinkSelector',
    summary: 'One sink after the other.',
    keys: `
maxTimeOut | natural ms | 30000 | The longest time a sink that failed is left alone.
`,
  },
  {
    kind: 'sink selector',
    type: 'random',
    class: 'org.apache.flume.sink.LoadBalancingSinkProcessor$RandomOrderSinkSelector',
    summary: 'Any sink.',
    keys: `
maxTimeOut | natural ms | 30000 | The longest time a sink that failed is left alone.
`,
  },
  {
    kind: 'sequence file serializer',
    type: 'Writable',
    class: 'org.apache.flume.sink.hdfs.HDFSWritableSerializer$Builder',
    summary: 'Bodies as BytesWritable.',
    keys: '',
  },
  {
    kind: 'sequence file serializer',
    type: 'Text',
    class: 'org.apache.flume.sink.hdfs.HDFSTextSerializer$Builder',
    summary: 'Bodies as Text.',
    keys: '',
  },
  {
    kind: 'path manager',
    type: 'default',
    class: 'org.apache.flume.formatter.output.DefaultPathManager$Builder',
    summary: 'Names with the time of the start and a number.',
    keys: `
prefix | text | - | Begins the names of files.
extension | text | - | Ends the names of files, without its dot.
`,
  },
  {
    kind: 'path manager',
    type: 'rolltime',
    class: 'org.apache.flume.formatter.output.RollTimePathManager$Builder',
    summary: 'Names with the time at which the file begins.',
    keys: `
prefix | text | - | Begins the names of files.
extension | text | - | Ends the names of files, without its dot.
`,
  },
];
