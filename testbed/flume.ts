/**
 * Real Apache Flume 1.11 from Maven Central, for the tests and benchmarks that hold Millrace
 * against it. The jars are fetched once, into a folder outside the source tree. On its own it runs
 * an agent in the foreground: `node testbed/flume.ts -n a1 -f flume.properties`.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { AgentProcess } from './agent-process.ts';

export interface FlumeOptions {
  /** Path of the properties file. */
  readonly conf: string;
  /** The agent's name in it. */
  readonly agent: string;
  /** Options of the JVM; default: a heap of at most 1 GB. */
  readonly javaOptions?: readonly string[];
  /** Class path entries that go before Flume's own. */
  readonly classPath?: readonly string[];
  /** And those that go behind them, such as Hadoop's. */
  readonly moreClassPath?: readonly string[];
  readonly logPath: string;
  readonly cwd?: string;
}

const here = import.meta.dirname;

/** The folder that keeps the jars between runs; `MILLRACE_TESTBED` moves it. */
export function testbedFolder(): string {
  const caches = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
  return process.env['MILLRACE_TESTBED'] ?? join(caches, 'millrace-testbed');
}

/**
 * Why real Flume can't run here, as one line for the `skip` of a test; `false` when it can. Fetches
 * the jars when they are not there yet.
 */
export function flumeMissing(): string | false {
  if (!runs('java', '-version')) return missing('a JDK');
  if (existsSync(jarFolder())) return false;
  if (!runs('mvn', '-version')) return missing('Maven, to fetch Flume once');
  return fetchJars();
}

/** Starts an agent. Wait for what it delivers: it gives no sign of being ready. */
export function startFlume(options: FlumeOptions): AgentProcess {
  const args = ['-n', options.agent, '-f', options.conf, '--no-reload-conf'];
  return AgentProcess.start({
    command: javaCommand('java'),
    args: javaArguments(args, options),
    logPath: options.logPath,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
}

function javaArguments(
  args: readonly string[],
  options: Pick<FlumeOptions, 'javaOptions' | 'classPath' | 'moreClassPath'> = {},
): string[] {
  const { javaOptions = ['-Xmx1g'], classPath = [], moreClassPath = [] } = options;
  const path = [...classPath, join(here, 'flume'), join(jarFolder(), '*'), ...moreClassPath];
  return [...javaOptions, '-cp', path.join(':'), 'org.apache.flume.node.Application', ...args];
}

/** One per version of the list of jars. */
function jarFolder(): string {
  const pom = readFileSync(join(here, 'flume/pom.xml'));
  const version = createHash('sha256').update(pom).digest('hex').slice(0, 8);
  return join(testbedFolder(), `flume-1.11.0-${version}`);
}

/** Into a folder of this process first: a broken download never looks like a whole one. */
function fetchJars(): string | false {
  const partial = `${jarFolder()}.${process.pid}`;
  mkdirSync(testbedFolder(), { recursive: true });
  const result = spawnSync(
    'mvn',
    [
      ...['-B', '-q', '-f', join(here, 'flume/pom.xml')],
      ...['dependency:copy-dependencies', `-DoutputDirectory=${partial}`],
    ],
    { encoding: 'utf8', timeout: 10 * 60_000 },
  );
  if (result.status !== 0) {
    rmSync(partial, { recursive: true, force: true });
    const [firstLine = 'no output'] = `${result.stdout}${result.stderr}`.split('\n');
    return missing(`Maven Central (mvn said: ${firstLine})`);
  }
  if (existsSync(jarFolder())) rmSync(partial, { recursive: true });
  else renameSync(partial, jarFolder());
  return false;
}

function missing(what: string): string {
  return `needs ${what}; see testbed/README.md`;
}

function javaCommand(name: string): string {
  const home = process.env['JAVA_HOME'];
  return name === 'java' && home ? join(home, 'bin/java') : name;
}

function runs(name: string, argument: string): boolean {
  return spawnSync(javaCommand(name), [argument], { stdio: 'ignore' }).status === 0;
}

if (import.meta.main) {
  const why = flumeMissing();
  if (why) throw new Error(`real Flume ${why}`);
  const args = javaArguments(process.argv.slice(2));
  process.exitCode = spawnSync(javaCommand('java'), args, { stdio: 'inherit' }).status ?? 1;
}
