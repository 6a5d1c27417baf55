import { setFlagsFromString } from 'node:v8';
import { flumeLogLevel, type LogLevel, openProcessLog } from '../agent/log.ts';
import { type Finding, renderFinding } from '../config/finding.ts';
import { type Planned, planAgent } from '../config/plan.ts';
import { DirectoryInUseError } from '../core/directory-lock.ts';
import type { Logger } from '../core/log.ts';
import { type Command, exitCodes, exitCodesHelp } from './command.ts';
import { baseDirectoryOf, readConfiguration, UnreadableConfiguration } from './configuration.ts';
import {
  describeOptions,
  type Option,
  type ParsedOptions,
  parseOptions,
  UsageError,
} from './options.ts';
import { stopSignal } from './stop-signal.ts';

const onlyFiles = 'the configuration comes from files only, for now; use -f';
const noReload = 'a running agent does not read its configuration again, for now';

const options: readonly Option[] = [
  { names: ['-n', '--name'], value: 'NAME', doc: 'The agent to run; required.' },
  {
    names: ['-f', '--conf-file'],
    value: 'FILE',
    repeatable: true,
    doc: 'The configuration; may be repeated, later files override earlier ones key by key.',
  },
  { names: ['--strict'], doc: 'Runs only when there is no error and no warning.' },
  { names: ['-d', '--dryrun'], doc: 'Checks the configuration and runs nothing.' },
  {
    names: ['-c', '--conf'],
    value: 'DIR',
    doc: "Flume's directory of settings.",
    ignored: 'there is no flume-env.sh or log4j file to read',
  },
  {
    names: ['-C', '--classpath'],
    value: 'PATH',
    doc: 'Java classes.',
    ignored: 'custom components are TypeScript or JavaScript files (type = ./my-sink.ts)',
  },
  {
    names: ['--plugins-path'],
    value: 'DIRS',
    doc: 'Java plugins.',
    ignored: 'custom components are TypeScript or JavaScript files (type = ./my-sink.ts)',
  },
  { names: ['--no-reload-conf'], doc: 'Read the configuration once.', ignored: noReload },
  {
    names: ['-i', '--poll-interval'],
    value: 'SECONDS',
    doc: 'How often to look for changes.',
    ignored: noReload,
  },
  {
    names: ['-b', '--backup-directory'],
    value: 'DIR',
    doc: 'Where to keep a copy of the configuration.',
    ignored: 'it is for configurations from elsewhere than files',
  },
  {
    names: ['-u', '--conf-uri'],
    value: 'URI',
    doc: 'Configuration from a URI.',
    refused: onlyFiles,
  },
  { names: ['-z', '--zkConnString'], value: 'HOSTS', doc: 'ZooKeeper.', refused: onlyFiles },
  { names: ['-p', '--zkBasePath'], value: 'PATH', doc: 'ZooKeeper path.', refused: onlyFiles },
  {
    names: ['-prov', '--conf-provider'],
    value: 'CLASS',
    doc: 'Configuration from a Java class.',
    refused: onlyFiles,
  },
  {
    names: ['-user', '--conf-user'],
    value: 'USER',
    doc: 'User for a URI.',
    ignored: 'it belongs to -u',
  },
  {
    names: ['-pwd', '--conf-password'],
    value: 'PASSWORD',
    doc: 'Password for a URI.',
    ignored: 'it belongs to -u',
  },
  {
    names: ['-a', '--auth-provider'],
    value: 'CLASS',
    doc: 'Authorization for a URI.',
    ignored: 'it belongs to -u',
  },
];

const help = `Usage: millrace agent -n NAME -f FILE [options]

Runs an agent until SIGTERM or SIGINT (Ctrl-C): then sources stop, channels empty into the sinks,
and the agent ends. A second signal ends it at once.

Options
${describeOptions(options)}
  -Dkey=value                 A system property, for \${sys:key} and for:
                                flume.root.logger=DEBUG,console   the level of the log
                                flume.monitoring.type=http        serves the counters
                                flume.monitoring.port=41414
                                millrace.state.dir=DIR            where the agent remembers
  -X…                         Options of a Java machine have no effect.

What is wrong in the configuration is said at the start, with file and line. As in Flume, the parts
that are sound run without the others; when nothing can run, the agent ends with 2.

${exitCodesHelp}`;

export const agentCommand: Command = { help, run: runAgentCommand };

async function runAgentCommand(args: readonly string[]): Promise<number> {
  const parsed = parseOptions(options, args);
  const [word] = parsed.words;
  if (word !== undefined) throw new UsageError(`"${word}" is not understood`);
  const files = parsed.values.get('--conf-file') ?? [];
  const name = parsed.values.get('--name')?.[0];
  if (name === undefined) throw new UsageError(`-n NAME is required: the agent${agentsIn(files)}`);
  if (files.length === 0) throw new UsageError('-f FILE is required: the configuration');
  const readable = process.stderr.isTTY;
  const { log, flush } = openProcessLog({ level: levelOf(parsed), readable });
  try {
    for (const { option, why } of parsed.ignored) {
      log.info({ option, why }, 'An option has no effect here.');
    }
    return await runNamed(name, files, parsed, log, readable);
  } catch (error) {
    if (error instanceof DirectoryInUseError) {
      log.error({ problem: error.message }, 'The agent cannot start: another one has its state.');
    } else log.error({ error }, 'The agent failed.');
    return exitCodes.failed;
  } finally {
    flush();
  }
}

/** The names to choose from, where the files can be read. */
function agentsIn(files: readonly string[]): string {
  try {
    const names = [...readConfiguration(files, new Map()).configuration.agents.keys()];
    return names.length === 0 ? '' : ` (${files.join(', ')} has ${names.join(', ')})`;
  } catch {
    return '';
  }
}

async function runNamed(
  name: string,
  files: readonly string[],
  parsed: ParsedOptions,
  log: Logger,
  readable: boolean,
): Promise<number> {
  const planned = await planFrom(name, files, parsed, log);
  if (!planned) return exitCodes.configuration;
  const { plan, findings, runnable } = planned;
  for (const each of findings) sayFinding(each, log, readable);
  if (!runnable) {
    log.error({ agent: name }, 'Nothing of this agent can run.');
    return exitCodes.configuration;
  }
  if (parsed.values.has('--strict') && findings.some(({ severity }) => severity !== 'note')) {
    log.error({ agent: name }, 'Not started: --strict, and there are errors or warnings.');
    return exitCodes.configuration;
  }
  if (parsed.values.has('--dryrun')) return exitCodes.ok;
  // Left to itself the heap may grow to four times what is needed before old garbage is collected.
  setFlagsFromString('--heap-growing-percent=50');
  const { runAgent } = await import('../agent/run.ts');
  const { systemProperties: properties } = parsed;
  return runAgent(plan, { log, properties, configFiles: files, signal: stopSignal() });
}

async function planFrom(
  name: string,
  files: readonly string[],
  parsed: ParsedOptions,
  log: Logger,
): Promise<Planned | undefined> {
  try {
    const { configuration } = readConfiguration(files, parsed.systemProperties);
    const { resolver } = await import('../registry.ts');
    return await planAgent(configuration, name, resolver(baseDirectoryOf(files)));
  } catch (error) {
    if (!(error instanceof UnreadableConfiguration)) throw error;
    log.error({ problem: error.message }, 'The configuration cannot be read.');
    return undefined;
  }
}

function sayFinding(found: Finding, log: Logger, readable: boolean): void {
  if (readable) {
    console.error(renderFinding(found));
    return;
  }
  const { severity, ...fields } = found;
  const level = ({ error: 'error', warning: 'warn', note: 'info' } as const)[severity];
  log[level](fields, 'Finding in the configuration.');
}

function levelOf({ systemProperties }: ParsedOptions): LogLevel {
  const asked = systemProperties.get('flume.root.logger');
  return (asked === undefined ? undefined : flumeLogLevel(asked)) ?? 'info';
}
