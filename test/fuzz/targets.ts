import type { FuzzTarget } from './target.ts';
import { avroReaderTarget } from './targets/avro-reader.ts';
import { avroTarget, batchTarget } from './targets/batches.ts';
import { codecTargets, rawBlocksTarget } from './targets/codecs.ts';
import { lookupTarget, planTarget, propertiesTarget } from './targets/configuration.ts';
import { csvReaderTarget } from './targets/csv-reader.ts';
import { hdfsMessagesTarget, siteXmlTarget } from './targets/hdfs.ts';
import { journalTarget } from './targets/journal.ts';
import { ledgerTarget } from './targets/ledger.ts';
import { metricsTarget } from './targets/metrics.ts';
import { optionsTarget } from './targets/options.ts';
import { parquetFooterTarget, parquetTarget } from './targets/parquet.ts';
import { positionsTarget } from './targets/positions.ts';
import { sequenceFileTarget } from './targets/sequence-file.ts';
import { jksTarget, streamLinesTarget } from './targets/sockets.ts';
import {
  syslogDatagramTarget,
  syslogFramesTarget,
  syslogMultiportTarget,
  syslogSharedTarget,
} from './targets/syslog.ts';

/** Every decoder of the project. */
export const targets: readonly FuzzTarget[] = [
  propertiesTarget,
  lookupTarget,
  planTarget,
  positionsTarget,
  journalTarget,
  ledgerTarget,
  batchTarget,
  avroTarget,
  avroReaderTarget,
  csvReaderTarget,
  sequenceFileTarget,
  parquetTarget,
  parquetFooterTarget,
  metricsTarget,
  optionsTarget,
  jksTarget,
  streamLinesTarget,
  syslogFramesTarget,
  syslogSharedTarget,
  syslogMultiportTarget,
  syslogDatagramTarget,
  hdfsMessagesTarget,
  siteXmlTarget,
  ...codecTargets,
  rawBlocksTarget,
];
