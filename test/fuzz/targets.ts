import type { FuzzTarget } from './target.ts';
import { avroTarget, batchTarget } from './targets/batches.ts';
import { lookupTarget, planTarget, propertiesTarget } from './targets/configuration.ts';
import { ledgerTarget } from './targets/ledger.ts';
import { metricsTarget } from './targets/metrics.ts';
import { optionsTarget } from './targets/options.ts';
import { positionsTarget } from './targets/positions.ts';

/** Every decoder of the project. */
export const targets: readonly FuzzTarget[] = [
  propertiesTarget,
  lookupTarget,
  planTarget,
  positionsTarget,
  ledgerTarget,
  batchTarget,
  avroTarget,
  metricsTarget,
  optionsTarget,
];
