import { type Finding, finding, settleFindings } from '../config/finding.ts';
import { type Planned, planAgent } from '../config/plan.ts';
import { SourceLines } from './check/source-lines.ts';
import { type Command, exitCodes, packageVersion } from './command.ts';
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
  { names: ['--graph'], doc: 'Draws the agents, too.' },
  { names: ['--mermaid'], doc: 'Prints the agents as a Mermaid chart, and nothing else.' },
  { names: ['--json'], doc: 'Prints everything as JSON, with stable codes.' },
  { names: ['--sarif'], doc: 'Prints the findings as SARIF, for CI systems.' },
];

export const checkCommand: Command = {
  help: `Usage: millrace check [-n NAME] FILE… [options]

Reads a configuration as agent does, runs nothing, and says what would run, what is wrong and what
becomes of it, each with file and line; and what each way through an agent promises.

Options
${describeOptions(options)}
  -Dkey=value                 A system property, as for agent.

Exit codes
  0  something would run
  1  with --strict: there are errors or warnings
  2  nothing would run, or the configuration cannot be read`,
  run: check,
};

/** What a check found. */
interface Checked {
  readonly files: readonly string[];
  readonly planned: readonly Planned[];
  readonly findings: readonly Finding[];
  readonly lines: SourceLines;
}

async function check(args: readonly string[]): Promise<number> {
  const parsed = parseOptions(options, args);
  const files = [...(parsed.values.get('--conf-file') ?? []), ...parsed.words];
  if (files.length === 0) throw new UsageError('a configuration file is required');
  const forms = ['--mermaid', '--json', '--sarif'].filter((form) => parsed.values.has(form));
  if (forms.length > 1) throw new UsageError(`${forms.join(' and ')} exclude each other`);
  const checked = await checkFiles(files, parsed);
  await print(checked, forms[0], parsed.values.has('--graph'));
  const { planned, findings } = checked;
  if (!planned.some(({ runnable }) => runnable)) return exitCodes.configuration;
  const isBad = findings.some(({ severity }) => severity !== 'note');
  return parsed.values.has('--strict') && isBad ? exitCodes.failed : exitCodes.ok;
}

async function checkFiles(files: readonly string[], parsed: ParsedOptions): Promise<Checked> {
  try {
    const { configuration, contents } = readConfiguration(files, parsed.systemProperties);
    const { resolver } = await import('../registry.ts');
    const find = resolver(baseDirectoryOf(files));
    const names = parsed.values.get('--name') ?? [...configuration.agents.keys()];
    const planned: Planned[] = [];
    for (const name of names) planned.push(await planAgent(configuration, name, find));
    // What is about the files is found with every agent; it is said once.
    const all = [...configuration.findings, ...planned.flatMap(({ findings }) => findings)];
    const findings = settleFindings([...new Set(all)]);
    return { files, planned, findings, lines: new SourceLines(contents) };
  } catch (error) {
    if (!(error instanceof UnreadableConfiguration)) throw error;
    const found = finding('error', 'unreadable', error.place, {
      what: withoutPlace(error.message, error.place.file),
      consequence: 'Nothing can run.',
      suggestion: error.suggestion,
    });
    return { files, planned: [], findings: [found], lines: new SourceLines(error.contents) };
  }
}

/** `x.conf:2: a \\u …, at byte 7`: the place is shown by itself. */
function withoutPlace(message: string, file = ''): string {
  const text = message.startsWith(`${file}:`) ? message.slice(file.length + 1) : message;
  const sentence = text.replace(/^(\d+:)?\s*/, '').replace(/, at byte \d+$/, '');
  return `${sentence.slice(0, 1).toUpperCase()}${sentence.slice(1)}.`;
}

/** Each form is loaded when it is asked for. */
async function print(checked: Checked, form: string | undefined, graph: boolean): Promise<void> {
  const { files, planned, findings, lines } = checked;
  if (form === '--json') {
    const { checkJson } = await import('./check/json.ts');
    console.log(checkJson(files, planned, findings, lines));
  } else if (form === '--sarif') {
    const { checkSarif } = await import('./check/sarif.ts');
    console.log(checkSarif(files, findings, lines, packageVersion()));
  } else if (form === '--mermaid') {
    const { graphMermaid } = await import('./check/graph.ts');
    console.log(graphMermaid(planned));
  } else {
    const { agentText, countsText, findingText } = await import('./check/text.ts');
    const { graphText } = await import('./check/graph.ts');
    const isUnreadable = findings.some(({ code }) => code === 'unreadable');
    const parts = [
      ...findings.map((each) => findingText(each, lines)),
      ...(graph ? planned.map(graphText) : []),
      ...planned.map(agentText),
      ...(planned.length === 0 && !isUnreadable ? [`No agent is in ${files.join(', ')}.`] : []),
      countsText(findings),
    ];
    console.log(parts.join('\n'));
  }
}
