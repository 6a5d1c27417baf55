import { arch, availableParallelism, homedir, platform, release, tmpdir, userInfo } from 'node:os';
import type { Finding } from './finding.ts';
import { finding } from './finding.ts';
import { formatJavaDate } from './java-date.ts';
import { own } from './own.ts';
import { atValue } from './places.ts';
import type { Property } from './properties.ts';

/*
 * What ${…} in values means, after Flume 1.11 (Commons Text). Values only, never keys:
 *
 *   ${env:NAME} ${sys:name} ${java:os}   asked of the environment, the -D options, the machine
 *   ${date:yyyy-MM-dd}                   the time, in a pattern of Java
 *   ${key}                               the value of another property, of any file
 *   ${…:-default}                       the default when there is no value
 *   $${…}                               the text ${…} itself
 *
 * Names and values may contain further ones. What can't be resolved stays as it stands.
 */

export interface LookupContext {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The -D options. */
  readonly systemProperties: ReadonlyMap<string, string>;
  readonly now: Date;
}

export interface Resolved {
  readonly properties: ReadonlyMap<string, Property>;
  /** Per key, the expressions that stay as text. A config filter may still know them. */
  readonly unresolved: ReadonlyMap<string, readonly string[]>;
  readonly findings: readonly Finding[];
}

/** A value that grows beyond this stays as it stands: references can multiply it without end. */
const maxValueLength = 1 << 20;
/** Substitutions within one value: references to references double the work with each step. */
const maxSubstitutions = 10_000;
/** Names within names, and values of values of values. */
const maxDepth = 50;

/** Resolves every value. Never fails: what is wrong is in the findings. */
export function resolveLookups(
  properties: ReadonlyMap<string, Property>,
  context: LookupContext,
): Resolved {
  const resolved = new Map<string, Property>();
  const unresolved = new Map<string, readonly string[]>();
  const findings: Finding[] = [];
  for (const [key, property] of properties) {
    if (!property.value.includes('${')) {
      resolved.set(key, property);
      continue;
    }
    const substitution = new Substitution(properties, context);
    const value = substitution.value(property.value, [key]);
    resolved.set(key, { ...property, value });
    if (substitution.unresolved.length > 0) unresolved.set(key, substitution.unresolved);
    for (const what of substitution.problems) {
      findings.push(
        finding('error', 'bad-lookup', atValue(property), {
          what,
          consequence: 'The expression stays as text.',
          suggestion: 'Write the value itself, or correct the expression.',
        }),
      );
    }
  }
  return { properties: resolved, unresolved, findings };
}

/** The work on one property's value. */
class Substitution {
  readonly unresolved: string[] = [];
  readonly problems = new Set<string>();
  readonly #properties: ReadonlyMap<string, Property>;
  readonly #context: LookupContext;
  #count = 0;
  #depth = 0;

  constructor(properties: ReadonlyMap<string, Property>, context: LookupContext) {
    this.#properties = properties;
    this.#context = context;
  }

  /** @param path the names that led here, to see a circle */
  value(text: string, path: readonly string[]): string {
    if (this.#depth === maxDepth) {
      this.problems.add(`The value has more than ${maxDepth} expressions within one another.`);
      return text;
    }
    this.#depth++;
    const result = this.#substitute(text, path);
    this.#depth--;
    return result;
  }

  #substitute(text: string, path: readonly string[]): string {
    let result = '';
    let position = 0;
    for (;;) {
      const start = text.indexOf('${', position);
      if (start < 0) return result + text.slice(position);
      if (start > position && text[start - 1] === '$') {
        result += `${text.slice(position, start - 1)}\${`;
        position = start + 2;
        continue;
      }
      const end = closingBrace(text, start + 2);
      if (end === undefined) return result + text.slice(position);
      const expression = text.slice(start, end + 1);
      result += text.slice(position, start);
      result += this.#expression(expression, path) ?? this.#keep(expression);
      if (result.length > maxValueLength) {
        this.problems.add(`The value grows beyond ${maxValueLength} characters.`);
        return text;
      }
      position = end + 1;
    }
  }

  #keep(expression: string): string {
    this.unresolved.push(expression);
    return expression;
  }

  #expression(expression: string, path: readonly string[]): string | undefined {
    if (++this.#count > maxSubstitutions) {
      this.problems.add(`The value has more than ${maxSubstitutions} substitutions.`);
      return expression;
    }
    const content = expression.slice(2, -1);
    const split = defaultSeparator(content);
    const named = split === undefined ? content : content.slice(0, split);
    const name = named.includes('${') ? this.value(named, path) : named;
    if (path.includes(name)) {
      this.problems.add(`\${${name}} leads back to itself: ${[...path, name].join(' → ')}.`);
      return expression;
    }
    const found = this.#find(name);
    if (found !== undefined) return this.value(found, [...path, name]);
    return split === undefined ? undefined : this.value(content.slice(split + 2), path);
  }

  #find(name: string): string | undefined {
    const colon = name.indexOf(':');
    const ask = colon < 0 ? undefined : own(prefixes, name.slice(0, colon));
    if (ask) {
      try {
        return ask(name.slice(colon + 1), this.#context);
      } catch (error) {
        this.problems.add(`\${${name}}: ${error instanceof Error ? error.message : error}.`);
        return undefined;
      }
    }
    const { environment, systemProperties } = this.#context;
    const plain = this.#properties.get(name)?.value.trim();
    if (plain !== undefined) return plain;
    const resolver = systemProperties.get('propertiesImplementation');
    return resolver === environmentResolver ? own(environment, name) : undefined;
  }
}

/** Flume's old switch, a system property: a plain ${NAME} falls back to the environment. */
const environmentResolver = 'org.apache.flume.node.EnvVarResolverProperties';

type Ask = (name: string, context: LookupContext) => string | undefined;

const prefixes: Readonly<Record<string, Ask>> = {
  env: (name, { environment }) => own(environment, name),
  sys: (name, { systemProperties }) => systemProperties.get(name) ?? own(systemDefaults, name)?.(),
  java: (name) => own(javaFacts, name)?.(),
  date: (pattern, { now }) => formatJavaDate(pattern, now),
};

/** System properties that every Java program has, and that have a meaning here. */
const systemDefaults: Readonly<Record<string, () => string>> = {
  'user.home': homedir,
  'user.dir': () => process.cwd(),
  'user.name': () => userInfo().username,
  'java.io.tmpdir': tmpdir,
  'os.name': () => (platform() === 'linux' ? 'Linux' : platform()),
  'os.arch': arch,
  'file.separator': () => '/',
  'path.separator': () => ':',
  'line.separator': () => '\n',
};

/** ${java:version}, runtime and vm have no answer here: there is no Java. */
const javaFacts: Readonly<Record<string, () => string>> = {
  os: () => `${platform()} ${release()}, architecture: ${arch()}`,
  hardware: () => `processors: ${availableParallelism()}, architecture: ${arch()}`,
  locale: () => 'default locale: en, platform encoding: UTF-8',
};

/** Where the brace closes whose content begins at `position`, over what is nested. */
function closingBrace(text: string, position: number): number | undefined {
  let depth = 1;
  for (let index = position; index < text.length; index++) {
    if (text[index] === '$' && text[index + 1] === '{') {
      depth++;
      index++;
    } else if (text[index] === '}' && --depth === 0) {
      return index;
    }
  }
  return undefined;
}

/** Where `:-` stands outside of what is nested. */
function defaultSeparator(content: string): number | undefined {
  let depth = 0;
  for (let index = 0; index < content.length; index++) {
    if (content[index] === '$' && content[index + 1] === '{') depth++;
    else if (content[index] === '}') depth--;
    else if (depth === 0 && content[index] === ':' && content[index + 1] === '-') return index;
  }
  return undefined;
}
