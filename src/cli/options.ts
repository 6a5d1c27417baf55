/** An option of a command. */
export interface Option {
  /** As typed: `-n`, `--name`. The last one is its key. */
  readonly names: readonly string[];
  /** What its value is called in the help; absent: it takes none. */
  readonly value?: string;
  /** May be given more than once. */
  readonly repeatable?: boolean;
  readonly doc: string;
  /** Accepted because Flume has it, but without effect: why. */
  readonly ignored?: string;
  /** Flume has it, and to go on without it would be wrong: what to do instead. */
  readonly refused?: string;
}

export interface ParsedOptions {
  /** By the last name of the option; an option without value has one empty text. */
  readonly values: ReadonlyMap<string, readonly string[]>;
  /** The -D options. */
  readonly systemProperties: ReadonlyMap<string, string>;
  /** What is no option. */
  readonly words: readonly string[];
  /** Options that were given and have no effect here, with the reason. */
  readonly ignored: readonly { readonly option: string; readonly why: string }[];
}

/** The command line is wrong; the message says how. */
export class UsageError extends Error {}

const forJava = 'it is for a Java machine, and there is none';

/**
 * Reads a command line as Flume's script and class do: long options with `--name value` or
 * `--name=value`, `-Dkey=value`, and options of the Java machine, which have no effect.
 *
 * @throws UsageError
 */
export function parseOptions(options: readonly Option[], args: readonly string[]): ParsedOptions {
  const values = new Map<string, string[]>();
  const systemProperties = new Map<string, string>();
  const words: string[] = [];
  const ignored: { option: string; why: string }[] = [];
  for (let index = 0; index < args.length; index++) {
    const arg = args[index] ?? '';
    if (/^-D[^-]/.test(arg)) {
      const [, key = '', value = ''] = /^-D([^=]*)=?(.*)$/s.exec(arg) ?? [];
      systemProperties.set(key, value);
    } else if (/^-(X|javaagent|agentlib|agentpath)/.test(arg)) {
      ignored.push({ option: arg, why: forJava });
    } else if (arg.startsWith('-') && arg !== '-') {
      const [name = '', inline] = splitInline(arg);
      const option = options.find(({ names }) => names.includes(name));
      if (!option) throw new UsageError(unknownOption(options, name));
      if (option.refused) throw new UsageError(`${name}: ${option.refused}`);
      let value = '';
      if (option.value !== undefined) {
        const next = inline ?? args[++index];
        if (next === undefined) throw new UsageError(`${name} needs a value: ${option.value}`);
        value = next;
      } else if (inline !== undefined) throw new UsageError(`${name} takes no value`);
      if (option.ignored) ignored.push({ option: name, why: option.ignored });
      add(values, option, name, value);
    } else words.push(arg);
  }
  return { values, systemProperties, words, ignored };
}

function splitInline(arg: string): [string, string?] {
  const equals = arg.startsWith('--') ? arg.indexOf('=') : -1;
  return equals < 0 ? [arg] : [arg.slice(0, equals), arg.slice(equals + 1)];
}

function unknownOption(options: readonly Option[], name: string): string {
  const known = options.flatMap(({ names }) => names.filter((each) => each.startsWith('--')));
  const close = known.find((each) => each.startsWith(name) || name.startsWith(each));
  return `${name} is no option of this command${close ? `; did you mean ${close}?` : ''}`;
}

function add(values: Map<string, string[]>, option: Option, name: string, value: string): void {
  const key = option.names.at(-1) ?? name;
  const given = values.get(key) ?? [];
  if (given.length > 0 && !option.repeatable && !option.ignored) {
    throw new UsageError(`${name} is given twice`);
  }
  values.set(key, [...given, value]);
}

/** The options for a help text, one or more lines each. */
export function describeOptions(options: readonly Option[]): string {
  return options
    .map(({ names, value, doc, ignored, refused }) => {
      const head = `  ${names.join(', ')}${value === undefined ? '' : ` ${value}`}`;
      const effect = ignored
        ? ` No effect here: ${ignored}.`
        : refused
          ? ` Refused: ${refused}.`
          : '';
      const text = doc + effect;
      return head.length < 28 ? `${head.padEnd(28)}  ${text}` : `${head}\n${' '.repeat(30)}${text}`;
    })
    .join('\n');
}
