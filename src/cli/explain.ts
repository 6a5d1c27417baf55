import { definitionFor } from '../config/compatibility.ts';
import type { ComponentKind, Definition } from '../config/definition.ts';
import type { FlumeKind } from '../config/flume/component.ts';
import { knownByShortName, knownComponent, knownComponents } from '../config/flume/known.ts';
import { nearest } from '../config/nearest.ts';
import { rowOf } from '../config/option-rows.ts';
import { keyOf } from '../config/read-config.ts';
import { type Describable, kinds, optionText, referenceText } from '../config/reference.ts';
import { type Command, exitCodes } from './command.ts';
import { parseOptions } from './options.ts';

/** Kinds of what only belongs to something else. */
const partKinds: readonly FlumeKind[] = [
  'deserializer',
  'handler',
  'sink group',
  'sink processor',
  'config filter',
];
const allKinds: readonly FlumeKind[] = [...kinds, ...partKinds];
/** Asked for by name, never listed. */
const everyKind = [...new Set([...allKinds, ...knownComponents().map(({ kind }) => kind)])];

/** The kinds and types that can be asked for. */
export async function explained(): Promise<string[]> {
  const { allDefinitions } = await import('../registry.ts');
  const definitions = await allDefinitions();
  const known = allKinds.flatMap((kind) => knownComponents(kind));
  const types = [...definitions, ...known].map(({ type }) => type);
  const plain = types.filter((type) => /^\w+$/.test(type));
  return [...new Set([...allKinds.map((kind) => kind.replace(' ', '-')), ...plain])];
}

export const explainCommand: Command = {
  help: `Usage: millrace explain [KIND] [TYPE] [KEY]
       millrace explain KEY

Describes a component with all its options: millrace explain taildir; or one option of it:
millrace explain taildir batchSize. A key as it stands in a configuration says which option is
meant, too: millrace explain a1.sinks.k1.hdfs.rollSize.

Where several kinds have the same type, all are printed; KIND picks one: millrace explain sink avro.
TYPE may also be a class name of Flume, or a file or package with a component of your own. What only
Flume has is described, too, with what to use instead. Without TYPE, lists what there is.

Kinds: ${allKinds.map((kind) => kind.replace(' ', '-')).join(', ')}`,
  async run(args) {
    const { words } = parseOptions([], args);
    const kind = allKinds.find((each) => each.replace(' ', '-') === words[0]);
    const [type, key] = kind ? words.slice(1) : words;
    const asked = kind ? [kind] : type === undefined ? allKinds : everyKind;
    const { allDefinitions, resolver } = await import('../registry.ts');
    const [only, ...more] = kind && type === undefined ? knownComponents(kind) : [];
    if (only && more.length === 0) return print([only], undefined);
    if (type === undefined) {
      console.log(overview(await allDefinitions(), asked));
      return exitCodes.ok;
    }
    const found: Describable[] = [];
    for (const each of asked) {
      const component = await findComponent(resolver('.').find, each, type);
      if (component) found.push(component);
    }
    if (found.length > 0) return print(found, key);
    const definitions = await allDefinitions();
    const options = optionsNamed(definitions, asked, type);
    if (options.length > 0) {
      console.log(options.join('\n\n'));
      return exitCodes.ok;
    }
    console.error(unknown(definitions, asked, type));
    return exitCodes.failed;
  },
};

function print(found: readonly Describable[], key: string | undefined): number {
  if (key === undefined) {
    console.log(found.map(referenceText).join('\n\n').trimEnd());
    return exitCodes.ok;
  }
  const options = found.flatMap((each) => optionOf(each, key) ?? []);
  if (options.length > 0) {
    console.log(options.join('\n\n'));
    return exitCodes.ok;
  }
  const [first] = found;
  const keys = Object.entries(first?.fields ?? {}).map(([name, field]) => keyOf(name, field));
  const meant = nearest(key, keys);
  const hint = meant ? `did you mean ${meant}?` : `millrace explain ${first?.type} lists them.`;
  console.error(`${first?.type} has no option ${key}; ${hint}`);
  return exitCodes.failed;
}

/** A definition, or what is known of a component that only Flume has. */
async function findComponent(
  find: (kind: ComponentKind, type: string) => Promise<Definition | undefined>,
  kind: FlumeKind,
  type: string,
): Promise<Describable | undefined> {
  const own = kinds.find((each) => each === kind);
  try {
    const definition = own && (await find(own, type));
    if (definition) return definition;
  } catch {
    // A file of another kind than the one asked for is no error here: it is asked for each kind.
    return undefined;
  }
  return knownComponent(kind, type) ?? knownByShortName(kind, type);
}

function overview(definitions: readonly Definition[], asked: readonly FlumeKind[]): string {
  const width = Math.max(...definitions.map(({ type }) => type.length).filter((each) => each < 24));
  return asked
    .map((kind) => {
      const here = definitions.filter((each) => each.kind === kind);
      const others = knownComponents(kind).filter((each) => !definitionFor(each, definitions));
      const isOwn = kinds.some((each) => each === kind);
      const lines = here.map(({ type, summary }) => `  ${type.padEnd(width)}  ${summary}`);
      const names = others.map(({ type }) => type).join(', ');
      if (names !== '') lines.push(isOwn ? `  Flume only: ${names}` : `  ${names}`);
      return [`${kind}s`, ...lines].join('\n');
    })
    .join('\n\n');
}

/** A full key, whatever the agent and the component are called. */
const fullKey = /^[^.]+\.(source|channel|sink|sinkgroup|configfilter)s\.[^.]+\.(.+)$/;

/** Every component that has an option of this name. */
function optionsNamed(
  definitions: readonly Definition[],
  asked: readonly FlumeKind[],
  text: string,
): string[] {
  const [, list = '', relative = text] = fullKey.exec(text) ?? [];
  const [, interceptorKey] = /^interceptors\.[^.]+\.(.+)$/.exec(relative) ?? [];
  const isSelector = list === 'source' && relative.startsWith('selector.');
  const named: Readonly<Record<string, FlumeKind>> = {
    sinkgroup: 'sink processor',
    configfilter: 'config filter',
  };
  const kind = interceptorKey ? 'interceptor' : isSelector ? 'selector' : (named[list] ?? list);
  const key = interceptorKey ?? relative;
  const components: Describable[] = [
    ...definitions,
    ...knownComponents().filter((each) => !definitionFor(each, definitions)),
  ];
  return components
    .filter((each) => (kind === '' ? asked.some((one) => one === each.kind) : each.kind === kind))
    .flatMap((each) => optionOf(each, key) ?? []);
}

/** The option of a component that a key belongs to: of that name, or with that beginning. */
function optionOf({ fields, type, kind }: Describable, key: string): string | undefined {
  const entries = Object.entries(fields).map(([name, field]) => ({
    key: keyOf(name, field),
    field,
  }));
  const found =
    entries.find((each) => !each.field.prefix && each.key.toLowerCase() === key.toLowerCase()) ??
    entries.find((each) => each.field.prefix && key.startsWith(each.key));
  return found && `${type} (${kind})\n${optionText(rowOf(found.key, found.field))}`;
}

function unknown(
  definitions: readonly Definition[],
  asked: readonly FlumeKind[],
  type: string,
): string {
  const known = [
    ...definitions.filter(({ kind }) => asked.some((each) => each === kind)),
    ...asked.flatMap((kind) => knownComponents(kind)),
  ];
  const meant = nearest(
    type,
    known.map((each) => each.type),
  );
  const hint = meant ? `did you mean ${meant}?` : 'millrace explain lists what there is.';
  return `There is no component and no option ${type}; ${hint}`;
}
