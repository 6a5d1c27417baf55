/**
 * Python with the libraries that read and write what our formats do, fetched once for each version
 * of the list into a folder outside the source tree.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { testbedFolder } from './flume.ts';

/** Packages of PyPI: Parquet twice, and Avro twice, by implementations of their own. */
const packages = ['pyarrow==26.0.1', 'duckdb==2.0.1', 'avro==1.12.2', 'fastavro==1.13.1'];
const codecs = ['cramjam==2.14.0', 'python-snappy==0.7.3', 'zstandard==0.25.0', 'tzdata==2025.2'];

/**
 * Why there is no such Python, as one line for the `skip` of a test; `false` when there is one.
 * Fetches the packages when they are not there yet.
 */
export function pythonMissing(): string | false {
  if (existsSync(folder())) return false;
  mkdirSync(testbedFolder(), { recursive: true });
  // Into a folder of this process first: a broken download never looks like a whole one. Its Python
  // finds its packages beside itself, so the folder may be renamed.
  const partial = `${folder()}.${process.pid}`;
  const made =
    run('python3', ['-m', 'venv', partial]) ??
    run(join(partial, 'bin/python3'), [
      ...['-m', 'pip', 'install', '--quiet', '--no-input', '--disable-pip-version-check'],
      ...['--only-binary=:all:', ...packages, ...codecs],
    ]);
  if (made !== undefined) {
    rmSync(partial, { recursive: true, force: true });
    return `needs Python 3.10 with venv, and PyPI once (${made}); see testbed/README.md`;
  }
  if (existsSync(folder())) rmSync(partial, { recursive: true });
  else renameSync(partial, folder());
  return false;
}

/** The interpreter that has the packages; asks for `pythonMissing` to be `false`. */
export function pythonCommand(): string {
  return join(folder(), 'bin/python3');
}

/** Runs a program given as text, and gives what it prints; throws with what it says otherwise. */
export function runPython(program: string, args: readonly string[] = [], input = ''): string {
  const result = spawnSync(pythonCommand(), ['-I', '-c', program, ...args], {
    encoding: 'utf8',
    input,
    maxBuffer: 1024 * 1024 * 1024,
    timeout: 2 * 60_000,
  });
  if (result.status !== 0) throw new Error(`python: ${result.stderr || result.error}`);
  return result.stdout;
}

function folder(): string {
  const list = [...packages, ...codecs].join('\n');
  const version = createHash('sha256').update(list).digest('hex').slice(0, 8);
  return join(testbedFolder(), `python-${version}`);
}

/** What it said in the end, when it failed. */
function run(command: string, args: readonly string[]): string | undefined {
  const result = spawnSync(command, args, { encoding: 'utf8', timeout: 10 * 60_000 });
  if (result.status === 0) return undefined;
  const said = `${result.stdout ?? ''}${result.stderr ?? ''}`.trim().split('\n').at(-1);
  return `${command} said: ${said || result.error?.message || 'nothing'}`;
}
