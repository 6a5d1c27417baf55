import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { seedFromEnvironment } from '../../src/testing/prng.ts';
import { runTarget } from './run-target.ts';
import { targets } from './targets.ts';

/*
 * `node test/fuzz/fuzz.ts --seconds 180 [--seed n] [--target name]`: feeds every decoder with
 * mutated inputs, each for so long. An input that breaks a promise is written to a file, and
 * `--target name --input file` runs it again.
 */
const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '180' },
    seed: { type: 'string' },
    target: { type: 'string' },
    input: { type: 'string' },
  },
});
const seed = values.seed === undefined ? seedFromEnvironment() : Number(values.seed);
const only = values.input === undefined ? undefined : readFileSync(values.input);
const chosen = targets.filter(({ name }) => name === (values.target ?? name));
if (chosen.length === 0) {
  console.error(`Targets: ${targets.map(({ name }) => name).join(', ')}`);
  process.exit(2);
}
console.log(`seed ${seed}`);
for (const { name } of chosen) {
  const milliseconds = Number(values.seconds) * 1000;
  const options = { seed, milliseconds, ...(only && { only }) };
  const { executions, finding } = await runTarget(name, options);
  console.log(`${name}: ${executions} executions${finding ? ', and a finding:' : ''}`);
  if (!finding) continue;
  const hash = createHash('sha256').update(finding.input).digest('hex').slice(0, 8);
  const path = values.input ?? join(tmpdir(), `millrace-fuzz-${name}-${hash}`);
  writeFileSync(path, finding.input);
  console.log(finding.error);
  console.log(`  again: node test/fuzz/fuzz.ts --target ${name} --input ${path}`);
  process.exitCode = 1;
}
