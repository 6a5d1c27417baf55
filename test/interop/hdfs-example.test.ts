import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { hdfsMissing } from '../../testbed/hdfs.ts';
import { repositoryRoot } from '../../testbed/millrace.ts';

test('the example writes a web log into HDFS, by one command', {
  skip: hdfsMissing(),
}, async () => {
  const script = join(repositoryRoot, 'testbed/web-log-to-hdfs.ts');
  const { stdout } = await promisify(execFile)(process.execPath, [script]);
  assert.match(stdout, /^\/logs\/web\/\d{4}-\d\d-\d\d\/access\.\d{13}\.log {2}\d+ bytes$/m);
  assert.match(stdout, /^(\d+) lines written to the log, \1 of them found on HDFS\.$/m);
  assert.match(stdout, /^Status: HEALTHY$/m);
});
