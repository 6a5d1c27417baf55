/**
 * Jars from Maven Central, fetched once for each version of a list (`<name>/pom.xml`) into a folder
 * outside the source tree.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { testbedFolder } from './flume.ts';

/** Where the jars of `name` are, or will be. */
export function jarsOf(name: string): string {
  const version = createHash('sha256')
    .update(readFileSync(pomOf(name)))
    .digest('hex')
    .slice(0, 8);
  return join(testbedFolder(), `${name}-${version}`);
}

/** Why the jars can't be had, as one line for the `skip` of a test; `false` when they are there. */
export function jarsMissing(name: string): string | false {
  if (!runs(javaCommand(), '-version')) return missing('a JDK');
  if (existsSync(jarsOf(name))) return false;
  if (!runs('mvn', '-version')) return missing('Maven, to fetch jars once');
  // Into a folder of this process first: a broken download never looks like a whole one.
  const partial = `${jarsOf(name)}.${process.pid}`;
  mkdirSync(testbedFolder(), { recursive: true });
  const result = spawnSync(
    'mvn',
    [
      ...['-B', '-q', '-f', pomOf(name)],
      ...['dependency:copy-dependencies', `-DoutputDirectory=${partial}`],
    ],
    { encoding: 'utf8', timeout: 10 * 60_000 },
  );
  if (result.status !== 0) {
    rmSync(partial, { recursive: true, force: true });
    const [firstLine = 'no output'] = `${result.stdout}${result.stderr}`.split('\n');
    return missing(`Maven Central (mvn said: ${firstLine})`);
  }
  if (existsSync(jarsOf(name))) rmSync(partial, { recursive: true });
  else renameSync(partial, jarsOf(name));
  return false;
}

export function javaCommand(): string {
  const home = process.env['JAVA_HOME'];
  return home ? join(home, 'bin/java') : 'java';
}

function pomOf(name: string): string {
  return join(import.meta.dirname, name, 'pom.xml');
}

function missing(what: string): string {
  return `needs ${what}; see testbed/README.md`;
}

function runs(command: string, argument: string): boolean {
  return spawnSync(command, [argument], { stdio: 'ignore' }).status === 0;
}
