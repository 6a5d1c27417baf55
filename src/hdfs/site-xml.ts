import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError } from '../core/errors.ts';

/**
 * Hadoop's configuration files, as much of XML as they use:
 *
 *   file     => [declaration] <configuration> property* </configuration>
 *   property => <property> <name>…</name> [<value>…</value>] [<final>true</final>] … </property>
 *
 * Comments, CDATA and the predefined entities are understood; other elements of a property
 * (`description`, `source`) are read over. What could change the meaning and is not understood is
 * refused: document types, `xi:include`, elements outside a property. Source: Hadoop 3.4.1,
 * `Configuration`.
 */
interface Property {
  readonly value: string;
  /** Later files can't change it. */
  readonly final: boolean;
}

const maxFileBytes = 4 << 20;
const maxNesting = 16;
/** As in Hadoop. */
const maxExpansions = 20;
const maxValueLength = 64 << 10;

/**
 * The settings of core-site.xml and hdfs-site.xml in a folder, not yet expanded. A file that is not
 * there has none.
 *
 * @throws ConfigError that names file and line
 */
export async function readSiteFiles(folder: string): Promise<Map<string, string>> {
  const properties = new Map<string, Property>();
  for (const name of ['core-site.xml', 'hdfs-site.xml']) {
    const path = join(folder, name);
    const text = await readIfThere(path);
    if (text === undefined) continue;
    for (const [key, property] of parseSiteXml(text, path)) {
      if (!properties.get(key)?.final) properties.set(key, property);
    }
  }
  return new Map([...properties].map(([key, { value }]) => [key, value]));
}

/**
 * A value with every `${name}` and `${env.NAME}` (also `${env.NAME:-default}`) replaced; what is
 * not known stays as it is, as in Hadoop.
 *
 * @throws ConfigError when it never ends
 */
export function expand(
  key: string,
  settings: ReadonlyMap<string, string>,
  environment: NodeJS.ProcessEnv,
): string | undefined {
  let value = settings.get(key);
  for (let count = 0; value !== undefined && count <= maxExpansions; count++) {
    if (value.length > maxValueLength) break;
    let changed = false;
    const next: string = value.replace(/\$\{([^{}\s$]+)\}/g, (all, name: string) => {
      const found = name.startsWith('env.')
        ? fromEnvironment(name.slice(4), environment)
        : settings.get(name);
      changed ||= found !== undefined && found !== all;
      return found ?? all;
    });
    if (!changed) return next;
    value = next;
  }
  if (value === undefined) return undefined;
  throw new ConfigError(key, `its value expands without an end: ${settings.get(key)}`);
}

function fromEnvironment(name: string, environment: NodeJS.ProcessEnv): string | undefined {
  const [, variable = name, ifEmpty, fallback] = /^(.*?)(:?)-(.*)$/.exec(name) ?? [];
  const value = environment[variable];
  return value === undefined || (ifEmpty && value === '') ? fallback : value;
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    const content = await readFile(path);
    if (content.length > maxFileBytes) throw new ConfigError(path, 'is larger than 4 MiB');
    return content.toString('utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** @throws ConfigError that names `path` and the line */
export function parseSiteXml(text: string, path: string): Map<string, Property> {
  const reader: XmlReader = new XmlReader(text.replace(/^\uFEFF/, ''), path);
  const properties = new Map<string, Property>();
  const root = reader.next();
  if (root?.type !== 'open' || root.name !== 'configuration') {
    reader.fail('must begin with <configuration>');
  }
  for (;;) {
    const token = reader.next();
    if (token === undefined) reader.fail('<configuration> is not closed');
    else if (token.type === 'close') break;
    else if (token.type === 'text') reader.mustBeBlank(token.text);
    else if (token.name === 'property') readProperty(reader, properties);
    else reader.fail(`<${token.name}> is not understood: only <property> is`);
  }
  for (let token = reader.next(); token; token = reader.next()) {
    if (token.type !== 'text') reader.fail('something follows </configuration>');
    else reader.mustBeBlank(token.text);
  }
  return properties;
}

function readProperty(reader: XmlReader, properties: Map<string, Property>): void {
  const fields = new Map<string, string>();
  for (;;) {
    const token = reader.next();
    if (token === undefined) reader.fail('<property> is not closed');
    if (token.type === 'close') break;
    if (token.type === 'text') reader.mustBeBlank(token.text);
    else fields.set(token.name, readText(reader));
  }
  const name = fields.get('name')?.trim();
  if (!name) reader.fail('a <property> without a <name>');
  const value = fields.get('value');
  if (value === undefined || properties.get(name)?.final) return;
  properties.set(name, { value: value.trim(), final: fields.get('final')?.trim() === 'true' });
}

/** The text of an element that is open, its own elements read over. */
function readText(reader: XmlReader): string {
  let text = '';
  for (let depth = 1; depth > 0; ) {
    const token = reader.next();
    if (token === undefined) reader.fail('an element is not closed');
    if (token.type === 'open') depth++;
    else if (token.type === 'close') depth--;
    else text += depth === 1 ? token.text : '';
  }
  return text;
}

type Token =
  | { readonly type: 'open'; readonly name: string }
  | { readonly type: 'close'; readonly name: string }
  | { readonly type: 'text'; readonly text: string };

const entities: Readonly<Record<string, string>> = {
  lt: '<',
  gt: '>',
  amp: '&',
  quot: '"',
  apos: "'",
};

class XmlReader {
  readonly #text: string;
  readonly #path: string;
  readonly #open: string[] = [];
  #at = 0;
  /** The end of an element that was closed where it was opened. */
  #pending: Token | undefined;

  constructor(text: string, path: string) {
    this.#text = text;
    this.#path = path;
  }

  fail(problem: string): never {
    const line = this.#text.slice(0, this.#at).split('\n').length;
    throw new ConfigError(`${this.#path}, line ${line}`, problem);
  }

  mustBeBlank(text: string): void {
    if (text.trim() !== '') this.fail(`text outside an element: ${text.trim().slice(0, 40)}`);
  }

  /** The next token; comments and, before the root, blanks are read over. */
  next(): Token | undefined {
    if (this.#pending) {
      const token = this.#pending;
      this.#pending = undefined;
      return token;
    }
    for (;;) {
      if (this.#at >= this.#text.length) return undefined;
      if (this.#skip('<!--', '-->') || this.#skip('<?', '?>')) continue;
      const token = this.#token();
      if (this.#open.length > 0 || token.type !== 'text' || token.text.trim() !== '') return token;
    }
  }

  #token(): Token {
    if (this.#text.startsWith('<![CDATA[', this.#at)) {
      return { type: 'text', text: this.#upTo('<![CDATA[', ']]>') };
    }
    if (this.#text.startsWith('<!', this.#at)) this.fail('document types are not understood');
    if (this.#text[this.#at] === '<') return this.#tag();
    const end = this.#text.indexOf('<', this.#at);
    const raw = this.#text.slice(this.#at, end < 0 ? undefined : end);
    this.#at += raw.length;
    return { type: 'text', text: raw.replace(/&([^;]*);?/g, (_, name) => this.#entity(name)) };
  }

  #tag(): Token {
    const [tag, slash, name = '', rest = ''] =
      /^<(\/?)([A-Za-z_][\w.:-]*)([^<>]*)>/.exec(this.#rest()) ?? this.fail('a broken tag');
    if (name.endsWith('include') || rest.includes('XInclude')) {
      this.fail('xi:include is not supported: put the settings into this file');
    }
    this.#at += tag.length;
    if (slash) {
      const opened = this.#open.pop();
      if (opened !== name) this.fail(`</${name}> closes <${opened ?? 'nothing'}>`);
      return { type: 'close', name };
    }
    const closed = rest.endsWith('/');
    const isRoot = this.#open.length === 0;
    if (closed) this.#pending = { type: 'close', name };
    else this.#open.push(name);
    if (this.#open.length > maxNesting) this.fail('elements are nested too deeply');
    if (rest.slice(0, closed ? -1 : undefined).trim() !== '' && !isRoot) {
      this.fail(`attributes of <${name}> are not understood`);
    }
    return { type: 'open', name };
  }

  /** No tag is longer than this, so that what is looked at stays small. */
  #rest(): string {
    return this.#text.slice(this.#at, this.#at + 1_000);
  }

  #skip(begin: string, end: string): boolean {
    if (!this.#text.startsWith(begin, this.#at)) return false;
    this.#upTo(begin, end);
    return true;
  }

  #upTo(begin: string, end: string): string {
    const from = this.#at + begin.length;
    const to = this.#text.indexOf(end, from);
    if (to < 0) this.fail(`${begin} without ${end}`);
    this.#at = to + end.length;
    return this.#text.slice(from, to);
  }

  #entity(name: string): string {
    const code = /^#(?:x([0-9a-fA-F]{1,6})|(\d{1,7}))$/.exec(name);
    const point = code ? Number.parseInt(code[1] ?? code[2] ?? '', code[1] ? 16 : 10) : -1;
    if (point >= 0 && point <= 0x10ffff) return String.fromCodePoint(point);
    const known = Object.hasOwn(entities, name) ? entities[name] : undefined;
    return known ?? this.fail(`&${name.slice(0, 20)} is not understood`);
  }
}
