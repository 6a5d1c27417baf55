import { test } from 'node:test';
import { seedFromEnvironment } from '../../src/testing/prng.ts';
import { runTarget } from './run-target.ts';
import { targets } from './targets.ts';

/** For all targets together. */
const totalMs = 5_000;

for (const { name } of targets) {
  test(`${name}: bad input gives an answer or the error that is documented`, async () => {
    const seed = seedFromEnvironment();
    const milliseconds = totalMs / targets.length;
    const { finding } = await runTarget(name, { seed, milliseconds });
    if (!finding) return;
    const input = finding.input.toString('base64');
    const message = `with MILLRACE_SEED=${seed}; the input in base64: ${input}`;
    throw new Error(message, { cause: finding.error });
  });
}
