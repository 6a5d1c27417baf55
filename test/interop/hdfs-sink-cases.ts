/** Configurations of the hdfs sink, each with its events, on which Flume and Millrace agree. */

export interface SinkCase {
  /** Of its directory, below that of the agent. */
  readonly name: string;
  readonly holds: string;
  /**
   * Over `commonKeys`; null: without the key. `<root>` is the case's directory, `<peer>` the
   * agent's name, `<url>` the cluster, `<local>` a local folder.
   */
  readonly sink?: Readonly<Record<string, string | null>>;
  /** The keys of a second sink on the channel, over those. */
  readonly secondSink?: Readonly<Record<string, string>>;
  /** Where the agents are told to write; default `<root>`. */
  readonly place?: 'home' | 'local';
  readonly source?: 'syslogtcp' | 'multiport_syslogtcp' | 'netcat' | 'TAILDIR';
  readonly interceptors?: readonly string[];
  readonly fileChannel?: boolean;
  /** Lines, all of which are different. */
  readonly input: readonly string[];
  /** More of them, when the files of the first ones have their final names. */
  readonly later?: readonly string[];
  /** What of the files is compared while they are open; default: all. */
  readonly whileOpen?: 'nothing';
  /** More of them, for a while in which its user must not write. */
  readonly refused?: readonly string[];
  /** Only what all files hold together is compared, not which has what. */
  readonly sharesEvents?: boolean;
  /** Nothing is ever written. */
  readonly isPoison?: boolean;
  /** Flume makes a file that nothing comes to. */
  readonly emptyFiles?: 'ignored';
}

/** Nothing is rolled but for a case's own reasons. */
export const commonKeys: Readonly<Record<string, string>> = {
  type: 'hdfs',
  'hdfs.path': '<root>',
  'hdfs.fileType': 'DataStream',
  'hdfs.rollInterval': '0',
  'hdfs.rollSize': '0',
  'hdfs.rollCount': '0',
};

/** A syslog message; its time and host become the headers `timestamp` and `host`. */
function message(time: string, host: string, text: string): string {
  return `<13>${time} ${host} ${text}`;
}

const noon = Date.UTC(2024, 1, 29, 12, 0, 0);

/** So many messages from some hosts in turn, each some seconds after the one before. */
function messages(count: number, hosts: readonly string[] = ['web1'], stepSeconds = 0): string[] {
  return Array.from({ length: count }, (_, index) => {
    const time = new Date(noon + index * stepSeconds * 1000);
    const host = hosts[index % hosts.length] ?? '';
    return message(`${time.toISOString().slice(0, 19)}Z`, host, `event ${index}!`);
  });
}

function plain(count: number, from = 0): string[] {
  return Array.from({ length: count }, (_, index) => `line ${from + index}!`);
}

const places: readonly SinkCase[] = [
  { name: 'bare', holds: 'a path without a scheme is one of fs.defaultFS', input: messages(3) },
  {
    name: 'url',
    holds: 'a path may name the NameNode, and end with a slash',
    sink: { 'hdfs.path': '<url><root>/' },
    input: messages(3),
  },
  {
    name: 'scheme',
    holds: 'a path may have a scheme and no NameNode',
    sink: { 'hdfs.path': 'hdfs://<root>/a b/ü' },
    input: messages(3),
  },
  {
    name: 'relative',
    holds: 'a relative path is below the home directory',
    sink: { 'hdfs.path': '<peer>/relative' },
    place: 'home',
    input: messages(3),
  },
  {
    name: 'local',
    holds: 'file:// is the local file system',
    sink: { 'hdfs.path': 'file://<local>/%{host}', 'hdfs.rollCount': '2' },
    place: 'local',
    // Flume keeps them in memory until they are closed.
    whileOpen: 'nothing',
    input: messages(5, ['web1', 'web2']),
  },
  {
    name: 'raw-local',
    holds: 'a raw local file system shows what is flushed',
    sink: {
      'hdfs.path': 'file://<local>/%Y',
      'hdfs.useRawLocalFileSystem': 'true',
      'hdfs.rollCount': '2',
    },
    place: 'local',
    input: messages(5),
  },
  {
    name: 'proxy',
    holds: 'files are made in the name of another user',
    sink: { 'hdfs.path': '<root>/open/%d', 'hdfs.proxyUser': 'shop', 'hdfs.rollCount': '2' },
    input: messages(5),
  },
  {
    name: 'forbidden',
    holds: 'nothing is written where that user must not',
    sink: { 'hdfs.path': '<root>/closed', 'hdfs.proxyUser': 'shop' },
    isPoison: true,
    input: messages(2),
  },
];

const escapes: readonly SinkCase[] = [
  {
    name: 'hours',
    holds: 'directories by time are those of the machine’s zone',
    sink: { 'hdfs.path': '<root>/%Y-%m-%d/%H%M' },
    input: messages(30, ['web1'], 17 * 60),
  },
  {
    name: 'letters',
    holds: 'every time escape gives the same',
    sink: {
      'hdfs.path': '<root>/%a_%A_%b_%B/%D/%d-%e/%H-%I-%j-%k-%l/%m-%M-%n-%p/%s-%S-%t/%y-%Y%z/%%',
    },
    input: messages(5, ['web1'], 40_001),
  },
  {
    name: 'headers',
    holds: 'headers in paths are taken as they are, and nothing where there is none',
    sink: { 'hdfs.path': '<root>/%{host}/x%{nope}y/%{Severity}-%{priority}' },
    source: 'multiport_syslogtcp',
    input: messages(14, ['web1', 'a#b', 'a?b', 'a%20b', '%H', 'grün', '$1\\']),
  },
  {
    name: 'slashes',
    holds: 'slashes and dots in headers are directories',
    sink: { 'hdfs.path': '<root>//in/./%{host}/%{nope}/out//' },
    source: 'multiport_syslogtcp',
    input: messages(10, ['a/b', 'x/../y', '..', './z', '/q/']),
  },
  {
    name: 'same-directory',
    holds: 'paths that differ in slashes only are one directory',
    sink: { 'hdfs.path': '<root>/%{host}' },
    source: 'multiport_syslogtcp',
    // Flume has a file for each spelling.
    sharesEvents: true,
    input: messages(6, ['a/b', 'a//b', 'a/./b']),
  },
  {
    name: 'machine',
    holds: 'the machine’s name gives the same',
    sink: { 'hdfs.path': '<root>/%[localhost]/%[LocalHost]' },
    input: messages(2),
  },
  {
    name: 'rounded-hours',
    holds: 'hours are rounded within the day of the time zone',
    sink: {
      'hdfs.path': '<root>/%d-%H%M%S',
      'hdfs.filePrefix': 'f%s',
      'hdfs.round': 'true',
      'hdfs.roundValue': '5',
      'hdfs.roundUnit': 'hour',
      'hdfs.timeZone': 'America/Los_Angeles',
    },
    input: messages(12, ['web1'], 5_003),
  },
  {
    name: 'rounded-minutes',
    holds: 'minutes are rounded, in paths and prefixes',
    sink: {
      'hdfs.path': '<root>/%H%M',
      'hdfs.filePrefix': 'f-%M-%S',
      'hdfs.round': 'true',
      'hdfs.roundValue': '10',
      'hdfs.roundUnit': 'MINUTE',
    },
    input: messages(12, ['web1'], 301),
  },
  {
    name: 'rounded-seconds',
    holds: 'seconds are what is rounded by default',
    sink: { 'hdfs.path': '<root>/%M%S', 'hdfs.round': 'true', 'hdfs.roundValue': '7' },
    input: messages(12, ['web1'], 3),
  },
  {
    name: 'kolkata',
    holds: 'a time zone moves paths by half hours',
    sink: { 'hdfs.path': '<root>/%Y%m%d-%H%M%z', 'hdfs.timeZone': 'Asia/Kolkata' },
    input: messages(4, ['web1'], 21_000),
  },
  {
    name: 'nowhere',
    holds: 'a time zone that there is not is GMT',
    sink: { 'hdfs.path': '<root>/%H%z', 'hdfs.timeZone': 'Nowhere/Land' },
    input: messages(3, ['web1'], 4_000),
  },
  {
    name: 'local-time',
    holds: 'the clock is asked where useLocalTimeStamp is on',
    sink: { 'hdfs.path': '<root>/%Y/%m/%{timestamp}', 'hdfs.useLocalTimeStamp': 'true' },
    source: 'netcat',
    input: plain(4),
  },
  {
    name: 'interceptors',
    holds: 'interceptors give what paths are made of',
    sink: { 'hdfs.path': '<root>/%{datacenter}/%Y-%m' },
    source: 'netcat',
    interceptors: ['type = timestamp', 'type = static\nkey = datacenter\nvalue = north/1'],
    input: plain(4),
  },
  {
    name: 'poison',
    holds: 'an event without a time, where the path has one, is never written',
    sink: { 'hdfs.path': '<root>/%Y' },
    source: 'netcat',
    isPoison: true,
    input: plain(2),
  },
  {
    name: 'no-such-unit',
    holds: 'a unit that there is not rounds nothing',
    sink: {
      'hdfs.path': '<root>/%H%M%S',
      'hdfs.round': 'true',
      'hdfs.roundValue': '2',
      'hdfs.roundUnit': 'day',
    },
    input: messages(3, ['web1'], 3_001),
  },
];

const names: readonly SinkCase[] = [
  {
    name: 'prefixes',
    holds: 'escapes in prefixes give files of their own, with the suffix',
    sink: { 'hdfs.filePrefix': '%{host}-%H', 'hdfs.fileSuffix': '.log', 'hdfs.rollCount': '3' },
    input: messages(14, ['web1', 'web2'], 900),
  },
  {
    name: 'slash-prefix',
    holds: 'a slash in the prefix is a directory',
    sink: { 'hdfs.filePrefix': '%{host}/part', 'hdfs.rollCount': '2' },
    input: messages(6, ['web1', 'web2']),
  },
  {
    name: 'in-use',
    holds: 'files have other names while they are written',
    sink: {
      'hdfs.filePrefix': 'p',
      'hdfs.fileSuffix': '.log',
      'hdfs.inUsePrefix': '_',
      'hdfs.inUseSuffix': '.part',
      'hdfs.rollCount': '2',
    },
    input: messages(5),
  },
  {
    name: 'no-suffix',
    holds: 'emptyInUseSuffix leaves the prefix',
    sink: {
      'hdfs.inUsePrefix': '.',
      'hdfs.inUseSuffix': '.part',
      'hdfs.emptyInUseSuffix': 'true',
      'hdfs.rollCount': '2',
    },
    input: messages(5),
  },
  {
    name: 'final-at-once',
    holds: 'files may have their final names from the beginning',
    sink: { 'hdfs.emptyInUseSuffix': 'true', 'hdfs.fileSuffix': '.txt', 'hdfs.rollCount': '2' },
    input: messages(5),
  },
  {
    name: 'empty-value',
    holds: 'an empty inUseSuffix is none that is set',
    sink: { 'hdfs.inUseSuffix': '', 'hdfs.rollCount': '2' },
    input: messages(3),
  },
  {
    name: 'no-escapes',
    holds: 'suffixes and what files have in use are taken as they are',
    sink: {
      'hdfs.inUsePrefix': '_%H_',
      'hdfs.inUseSuffix': '.%H.tmp',
      'hdfs.fileSuffix': '.%{host}',
      'hdfs.rollCount': '2',
    },
    input: messages(3),
  },
  {
    name: 'no-prefix',
    holds: 'a prefix may be empty when its escapes are filled in',
    sink: { 'hdfs.filePrefix': '%{nope}', 'hdfs.rollCount': '2' },
    input: messages(3),
  },
];

const rolls: readonly SinkCase[] = [
  {
    name: 'negative',
    holds: 'negative limits are none',
    sink: {
      'hdfs.rollCount': '-1',
      'hdfs.rollSize': '-1',
      'hdfs.rollInterval': '-1',
      'hdfs.idleTimeout': '-1',
      'hdfs.callTimeout': '-1',
      'hdfs.closeTries': '-1',
      'hdfs.retryInterval': '-1',
    },
    input: messages(9),
  },
  {
    name: 'count',
    holds: 'a file full by count stays open until the next event',
    sink: { 'hdfs.rollCount': '3' },
    input: messages(9),
  },
  {
    name: 'size',
    holds: 'a file full by size exceeds it by one event',
    sink: { 'hdfs.rollSize': '25' },
    input: messages(13),
  },
  {
    name: 'one',
    holds: 'a file may hold one event',
    sink: { 'hdfs.rollCount': '1', 'hdfs.path': '<root>/%{host}' },
    input: messages(5, ['web1', 'web2']),
  },
  {
    name: 'size-and-count',
    holds: 'whichever of size and count comes first rolls',
    sink: { 'hdfs.rollSize': '40', 'hdfs.rollCount': '3' },
    input: messages(9).map((line, index) => line + 'x'.repeat(index % 4 === 1 ? 40 : 0)),
  },
  {
    name: 'defaults',
    holds: 'the default sizes and counts roll alike',
    sink: { 'hdfs.rollSize': null, 'hdfs.rollCount': null, 'hdfs.rollInterval': '600' },
    input: messages(40).map((line, index) => line + 'x'.repeat(index > 20 ? 200 : 0)),
  },
  {
    name: 'per-bucket',
    holds: 'each bucket counts for itself',
    sink: { 'hdfs.path': '<root>/%{host}', 'hdfs.rollCount': '2' },
    input: messages(11, ['web1', 'web2', 'web1', 'web3']),
  },
  {
    name: 'one-by-one',
    holds: 'batches of one event roll alike',
    sink: { 'hdfs.batchSize': '1', 'hdfs.rollCount': '4' },
    input: messages(10),
  },
  {
    name: 'open-files',
    holds: 'the bucket that was used longest ago is closed beyond maxOpenFiles',
    sink: { 'hdfs.path': '<root>/%{host}', 'hdfs.maxOpenFiles': '2', 'hdfs.batchSize': '1' },
    input: messages(9, ['a', 'b', 'a', 'c']),
  },
  {
    name: 'replicas',
    holds: 'fewer replicas than there are ask for no roll',
    sink: { 'hdfs.minBlockReplicas': '1', 'hdfs.rollCount': '3' },
    input: messages(5),
  },
  {
    name: 'too-few-replicas',
    holds: 'each batch has a file of its own where replicas are missing',
    sink: { 'hdfs.minBlockReplicas': '4', 'hdfs.batchSize': '1' },
    emptyFiles: 'ignored',
    input: messages(5),
  },
  {
    name: 'limits',
    holds: 'time-outs, tries and pools change nothing while all goes well',
    sink: {
      'hdfs.callTimeout': '5000',
      'hdfs.closeTries': '3',
      'hdfs.retryInterval': '1',
      'hdfs.threadsPoolSize': '2',
      'hdfs.rollTimerPoolSize': '2',
      'hdfs.rollCount': '2',
    },
    input: messages(5),
  },
  {
    name: 'refused',
    holds: 'a close and an event that HDFS refuses are tried again until it lets them',
    sink: {
      'hdfs.path': '<root>/open',
      'hdfs.proxyUser': 'shop',
      'hdfs.rollCount': '2',
      'hdfs.retryInterval': '1',
    },
    input: messages(2),
    refused: messages(3).slice(2),
  },
  {
    name: 'interval',
    holds: 'a file is closed when it is old enough, and the next event begins another',
    sink: { 'hdfs.path': '<root>/%{host}', 'hdfs.rollInterval': '2' },
    input: messages(5, ['web1', 'web2']),
    later: messages(7, ['web1', 'web2']).slice(5),
  },
  {
    name: 'idle',
    holds: 'a file is closed when nothing comes, and the next event begins another',
    sink: { 'hdfs.path': '<root>/%{host}', 'hdfs.idleTimeout': '1' },
    input: messages(5, ['web1', 'web2']),
    later: messages(7, ['web1', 'web2']).slice(5),
  },
  {
    name: 'interval-and-count',
    holds: 'the last file of a bucket that rolls by count is closed by its age',
    sink: { 'hdfs.rollInterval': '2', 'hdfs.rollCount': '2', 'hdfs.inUsePrefix': '_' },
    input: messages(5),
    later: messages(8).slice(5),
  },
  {
    name: 'idle-and-size',
    holds: 'a file that is full is closed when nothing comes',
    sink: { 'hdfs.idleTimeout': '1', 'hdfs.rollSize': '20', 'hdfs.filePrefix': 'x/%{host}' },
    input: messages(6),
    later: messages(9).slice(6),
  },
];

const others: readonly SinkCase[] = [
  {
    name: 'header-and-text',
    holds: 'headers are written in Java’s order',
    sink: { serializer: 'header_and_text' },
    input: messages(6, ['web1', 'web2'], 11),
  },
  {
    name: 'empty-bodies',
    holds: 'events without a body, and without headers, count for nothing but themselves',
    sink: { serializer: 'HEADER_AND_TEXT', 'hdfs.rollSize': '1' },
    source: 'TAILDIR',
    input: ['', '', 'a', '', 'b', '', ''],
  },
  {
    name: 'no-newline',
    holds: 'events follow each other without a newline, by the serializer’s class name',
    sink: {
      serializer: 'org.apache.flume.serialization.BodyTextEventSerializer$Builder',
      'serializer.appendNewline': 'false',
      'hdfs.rollCount': '4',
    },
    input: messages(6),
  },
  {
    name: 'blocks',
    holds: 'files of several blocks, from a file channel',
    sink: { 'hdfs.rollSize': '1500000', 'hdfs.batchSize': '500' },
    source: 'TAILDIR',
    fileChannel: true,
    input: Array.from({ length: 8_000 }, (_, index) => `${index}:${'abc '.repeat(75)}`),
  },
  {
    name: 'two-sinks',
    holds: 'two sinks on one channel write each event once',
    sink: { 'hdfs.filePrefix': 'one', 'hdfs.batchSize': '10' },
    secondSink: { 'hdfs.filePrefix': 'two' },
    sharesEvents: true,
    input: messages(200),
  },
];

export const sinkCases: readonly SinkCase[] = [
  ...places,
  ...escapes,
  ...names,
  ...rolls,
  ...others,
];
