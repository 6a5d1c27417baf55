import type { Command } from './command.ts';
import { exitCodes } from './command.ts';
import { UsageError } from './options.ts';

const shells = ['bash', 'zsh', 'fish'] as const;

export const completionCommand: Command = {
  help: `Usage: millrace completion ${shells.join('|')}

Prints a script that lets a shell complete commands, options, files, kinds and types.

  bash   source <(millrace completion bash)                        in ~/.bashrc
  zsh    source <(millrace completion zsh)                         in ~/.zshrc, after compinit
  fish   millrace completion fish > ~/.config/fish/completions/millrace.fish`,
  async run(args) {
    const shell = shells.find((each) => each === args[0]);
    if (!shell) throw new UsageError(`name a shell: ${shells.join(', ')}`);
    const described = await describeCommands();
    const write = { bash: bashScript, zsh: zshScript, fish: fishScript }[shell];
    console.log(write(described).trimEnd());
    return exitCodes.ok;
  },
};

interface Described {
  readonly name: string;
  readonly doc: string;
  /** Long and short, as typed. */
  readonly options: readonly DescribedOption[];
  /** What may stand behind the command, beside files. */
  readonly words: readonly string[];
}

interface DescribedOption {
  readonly names: readonly string[];
  /** `FILE`, `DIR` … */
  readonly value: string | undefined;
  readonly doc: string;
}

/** The options of a command are those that its help describes. */
async function describeCommands(): Promise<Described[]> {
  const [{ agentCommand }, { checkCommand }, { explainCommand, explained }] = await Promise.all([
    import('./agent.ts'),
    import('./check.ts'),
    import('./explain.ts'),
  ]);
  const { channelCommand } = await import('./channel.ts');
  const { hdfsCommand } = await import('./hdfs.ts');
  const verbs = [...channelCommand.help.matchAll(/^ {2}([a-z]+) {2,}/gm)].map(
    ([, verb = '']) => verb,
  );
  const of = (name: string, { help }: Command, words: readonly string[] = []): Described => ({
    name,
    doc: docOf(help),
    options: optionsIn(help),
    words,
  });
  return [
    of('agent', agentCommand),
    of('check', checkCommand),
    of('explain', explainCommand, await explained()),
    of('channel', channelCommand, verbs),
    of('hdfs', hdfsCommand, ['leftovers']),
    of('completion', completionCommand, shells),
    { name: 'demo', doc: 'Shows it running.', options: [], words: [] },
    { name: 'version', doc: 'Prints the version.', options: [], words: [] },
    { name: 'help', doc: 'Prints the help of a command.', options: [], words: [] },
  ];
}

/** Of a sentence the beginning that says enough beside a word. */
function short(text: string): string {
  const [clause = ''] = text.replaceAll(/\s+/g, ' ').split(/[.,:;(](?:\s|$)/, 1);
  return clause.replaceAll("'", '’').trim();
}

/** What stands behind the usage. */
function docOf(help: string): string {
  return short(help.split('\n\n')[1] ?? '');
}

/** Those that have an effect. */
function optionsIn(help: string): DescribedOption[] {
  const found = help.matchAll(
    /^ {2}(-[-\w]+(?:, -[-\w]+)*)(?: ([A-Z]+))?(?:\n {30}|\s{2,})(.*)$/gm,
  );
  return [...found]
    .filter(([, , , doc = '']) => !/No effect here|Refused/.test(doc))
    .map(([, names = '', value, doc = '']) => ({
      names: names.split(', '),
      value,
      doc: short(doc),
    }));
}

function bashScript(commands: readonly Described[]): string {
  const words = (list: readonly string[]) => list.join(' ');
  const cases = commands.map(({ name, options, words: more }) => {
    const all = [...options.flatMap(({ names }) => names), ...more];
    return `    ${name}) words='${words(all)}' ;;`;
  });
  const valued = (kind: string) =>
    [...new Set(commands.flatMap(({ options }) => options))]
      .filter(({ value }) => value === kind)
      .flatMap(({ names }) => names);
  const names = words(commands.map(({ name }) => name));
  return `_millrace() {
  local current=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} words=
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W '${names}' -- "$current"))
    return
  fi
  case $before in
    ${[...new Set(valued('FILE'))].join('|')}) COMPREPLY=($(compgen -f -- "$current")); return ;;
    ${[...new Set(valued('DIR'))].join('|')}) COMPREPLY=($(compgen -d -- "$current")); return ;;
  esac
  case \${COMP_WORDS[1]} in
    help) words='${names}' ;;
${cases.filter((line) => !line.startsWith('    help)')).join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  case \${COMP_WORDS[1]} in
    agent|check|channel) COMPREPLY+=($(compgen -f -- "$current")) ;;
  esac
}
complete -o filenames -F _millrace millrace flume-ng
`;
}

function zshScript(commands: readonly Described[]): string {
  const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
  const list = commands.map(({ name, doc }) => quoted(`${name}:${doc}`)).join('\n    ');
  const cases = commands.map(({ name, options, words }) => {
    const specs = options.flatMap(({ names, value, doc }) =>
      names.map((each) => {
        const what = value === undefined ? '' : `:${value}:${actionOf(value)}`;
        return quoted(`${each}[${doc.replaceAll(/[[\]:]/g, ' ')}]${what}`);
      }),
    );
    const rest = words.length > 0 ? `:word:(${words.join(' ')})` : ':file:_files';
    return `    ${name}) _arguments ${[...specs, quoted(`*${rest}`)].join(' \\\n      ')} ;;`;
  });
  return `_millrace() {
  local -a commands
  commands=(
    ${list}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
${cases.join('\n')}
  esac
}
compdef _millrace millrace flume-ng
`;
}

function actionOf(value: string): string {
  return value === 'FILE' ? '_files' : value === 'DIR' ? '_files -/' : ' ';
}

function fishScript(commands: readonly Described[]): string {
  const quoted = (text: string) => `'${text.replaceAll(/['\\]/g, '\\$&')}'`;
  const lines = commands.flatMap(({ name, doc, options, words }) => {
    const within = `-n '__fish_seen_subcommand_from ${name}'`;
    return [
      `complete -c millrace -n __fish_use_subcommand -f -a ${name} -d ${quoted(doc)}`,
      ...options.map(({ names, value, doc: text }) => {
        const flags = names.map((each) =>
          each.startsWith('--')
            ? `-l ${each.slice(2)}`
            : `${each.length > 2 ? '-o' : '-s'} ${each.slice(1)}`,
        );
        const takes =
          value === undefined ? '' : value === 'FILE' || value === 'DIR' ? ' -r -F' : ' -x';
        return `complete -c millrace ${within} ${flags.join(' ')}${takes} -d ${quoted(text)}`;
      }),
      ...(words.length > 0
        ? [`complete -c millrace ${within} -f -a ${quoted(words.join(' '))}`]
        : []),
    ];
  });
  return `${lines.join('\n')}\n`;
}
