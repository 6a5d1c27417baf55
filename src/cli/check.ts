import { type Finding, renderFinding, sortFindings } from '../config/finding.ts';
import { guarantees } from '../config/guarantee.ts';
import type { Configuration } from '../config/load.ts';
import { type Planned, planAgent } from '../config/plan.ts';
import { type Command, exitCodes } from './command.ts';
import { baseDirectoryOf, readConfiguration, UnreadableConfiguration } from './configuration.ts';
import {
  describeOptions,
  type Option,
  type ParsedOptions,
  parseOptions,
  UsageError,
} from './options.ts';

const options: readonly Option[] = [
  {
    names: ['-n', '--name'],
    value: 'NAME',
    doc: 'The agent; without it, all agents of the files.',
  },
  {
    names: ['-f', '--conf-file'],
    value: 'FILE',
    repeatable: true,
    doc: 'As for agent; files may also be given without -f.',
  },
  { names: ['--strict'], doc: 'Ends with 1 when there is an error or a warning.' },
];

export const checkCommand: Command = {
  help: `Usage: millrace check [-n NAME] FILE… [options]

Reads a configuration as agent does, runs nothing, and says what would run, what is wrong and what
becomes of it, each with file and line.

Options
${describeOptions(options)}
  -Dkey=value                 A system property, as for agent.

Exit codes
  0  something would run
  1  with --strict: there are errors or warnings
  2  nothing would run, or the configuration cannot be read`,
  run: check,
};

async function check(args: readonly string[]): Promise<number> {
  const parsed = parseOptions(options, args);
  const files = [...(parsed.values.get('--conf-file') ?? []), ...parsed.words];
  if (files.length === 0) throw new UsageError('a configuration file is required');
  try {
    return await checkFiles(files, parsed);
  } catch (error) {
    if (!(error instanceof UnreadableConfiguration)) throw error;
    console.log(`error: ${error.message}`);
    return exitCodes.configuration;
  }
}

async function checkFiles(files: readonly string[], parsed: ParsedOptions): Promise<number> {
  const { configuration, contents } = readConfiguration(files, parsed.systemProperties);
  const { resolver } = await import('../registry.ts');
  const find = resolver(baseDirectoryOf(files));
  const names = parsed.values.get('--name') ?? [...configuration.agents.keys()];
  const planned: Planned[] = [];
  for (const name of names) planned.push(await planAgent(configuration, name, find));
  const findings = findingsOf(configuration, planned);
  const lines = new Map([...contents].map(([file, bytes]) => [file, linesOf(bytes)]));
  for (const each of findings) console.log(`${renderFinding(each)}${shownLine(each, lines)}\n`);
  for (const each of planned) console.log(summary(each));
  if (names.length === 0) console.log(`No agent is configured in ${files.join(', ')}.`);
  console.log(counts(findings));
  if (!planned.some(({ runnable }) => runnable)) return exitCodes.configuration;
  const isStrict = parsed.values.has('--strict');
  const isBad = findings.some(({ severity }) => severity !== 'note');
  return isStrict && isBad ? exitCodes.failed : exitCodes.ok;
}

/** What is about the files is found with every agent; it is said once. */
function findingsOf(configuration: Configuration, planned: readonly Planned[]): Finding[] {
  const all = [...configuration.findings, ...planned.flatMap(({ findings }) => findings)];
  return sortFindings([...new Set(all)]);
}

function linesOf(bytes: Buffer): readonly string[] {
  return bytes.toString('utf8').split(/\r\n|\r|\n/);
}

/** Values of such keys are not shown, whatever component they belong to. */
const secretKey = /pass|secret|token|credential|private|access-?key/i;

function shownLine({ file, line }: Finding, lines: ReadonlyMap<string, readonly string[]>): string {
  const text = file === undefined || line === undefined ? undefined : lines.get(file)?.[line - 1];
  if (text === undefined) return '';
  const [, key = '', value = ''] = /^([^=:]*[=:])(.*)$/s.exec(text) ?? [undefined, text];
  const shown = secretKey.test(key) ? `${key} ***` : key + value;
  return `\n${String(line).padStart(6)} | ${shown.replaceAll(/\p{Cc}/gu, ' ')}`;
}

function summary({ plan, runnable }: Planned): string {
  const { agent, sources, channels, sinks } = plan;
  if (!runnable) return `${agent}: nothing would run.\n`;
  const parts = [
    count(sources.length, 'source'),
    count(channels.length, 'channel'),
    count(sinks.length, 'sink'),
  ];
  const paths = guarantees(plan).map((each) => `  ${each}\n`);
  return `${agent}: ${parts.join(', ')} would run.\n${paths.join('')}`;
}

function counts(findings: readonly Finding[]): string {
  const of = (severity: Finding['severity']) =>
    count(findings.filter((each) => each.severity === severity).length, severity);
  return `${of('error')}, ${of('warning')}, ${of('note')}.`;
}

function count(number: number, word: string): string {
  return `${number} ${word}${number === 1 ? '' : 's'}`;
}
