import type { Definition } from './definition.ts';
import type { Field } from './field.ts';
import type { FlumeComponent } from './flume/component.ts';
import { knownComponents } from './flume/known.ts';
import { defaultText, keyOf } from './read-config.ts';
import { kinds } from './reference.ts';

/** How an option of Flume fares here. */
interface Fate {
  readonly key: string;
  readonly inFlume: string;
  /** `same`, or what differs. */
  readonly here: string;
}

/** The definition that is Flume's component, if there is one. */
export function definitionFor(
  { kind, type, classes }: FlumeComponent,
  definitions: readonly Definition[],
): Definition | undefined {
  return definitions.find(
    (each) =>
      each.kind === kind &&
      (each.type.toLowerCase() === type.toLowerCase() ||
        (each.classes ?? []).some((name) => name === type || classes.includes(name))),
  );
}

/** Every option that Flume's component has, beside ours. */
export function fatesOf(known: FlumeComponent, definition: Definition): Fate[] {
  const own = new Map(
    Object.entries(definition.fields).map(([name, field]) => [
      starred(keyOf(name, field), field),
      field,
    ]),
  );
  return Object.values(known.fields).map((field) => {
    const key = starred(field.key ?? '', field);
    const ours = own.get(key) ?? prefixFor(key, own) ?? below(key, own);
    return { key, inFlume: shownDefault(field), here: ours ? difference(field, ours) : 'missing' };
  });
}

function starred(key: string, field: Field<unknown>): string {
  return field.prefix ? `${key}*` : key;
}

/** All keys that begin so, where each of them is an option of its own. */
function below(key: string, own: ReadonlyMap<string, Field<unknown>>) {
  const start = key.endsWith('*') ? key.slice(0, -1) : undefined;
  return start ? [...own].find(([each]) => each.startsWith(start))?.[1] : undefined;
}

/** An option for all keys that begin so. */
function prefixFor(key: string, own: ReadonlyMap<string, Field<unknown>>) {
  return [...own].find(([each, { prefix }]) => prefix && key.startsWith(each.slice(0, -1)))?.[1];
}

function shownDefault(field: Field<unknown>): string {
  return field.required ? 'required' : defaultText(field);
}

function difference(flume: Field<unknown>, ours: Field<unknown>): string {
  if (ours.ignored) return `no effect: ${ours.ignored}`;
  const [theirs, own] = [shownDefault(flume), shownDefault(ours)];
  const isSame =
    ours.prefix ||
    theirs.toLowerCase() === own.toLowerCase() ||
    (isNothing(theirs) && isNothing(own));
  return isSame ? 'same' : own === 'required' ? 'required here' : `default ${own}`;
}

function isNothing(text: string): boolean {
  return text === 'none' || text === 'empty';
}

/** The page `docs/reference/compatibility.md`. */
export function compatibilityPage(definitions: readonly Definition[]): string {
  const parts = [
    '# Compatibility with Flume 1.11',
    `Components and options of Flume 1.8 to 1.11, and how they fare here. *Same*: the option has the
same meaning, values and default. Options that only Millrace has are on the component's own page.`,
  ];
  for (const kind of kinds) {
    const known = knownComponents(kind);
    const here = known.filter((each) => definitionFor(each, definitions));
    parts.push(`## ${kind[0]?.toUpperCase()}${kind.slice(1)}s`, overviewOf(known, definitions));
    for (const each of here) {
      const definition = definitionFor(each, definitions);
      if (definition) parts.push(`### ${each.type} ${kind}`, fateTable(fatesOf(each, definition)));
    }
  }
  return `${parts.join('\n\n')}\n`;
}

function overviewOf(known: readonly FlumeComponent[], definitions: readonly Definition[]): string {
  const lines = known.map((each) => {
    const definition = definitionFor(each, definitions);
    const instead = (each.instead ?? '').replaceAll(/\s+/g, ' ');
    const fate = definition
      ? `[yes](${definition.kind}/${definition.type}.md)`
      : `${each.never ? 'no' : 'not yet'}. ${instead}`;
    return `| \`${each.type}\` | ${each.until ? `to ${each.until}` : '1.11'} | ${fate} |`;
  });
  return ['| type | in Flume | here |', '|---|---|---|', ...lines].join('\n');
}

function fateTable(fates: readonly Fate[]): string {
  if (fates.length === 0) return 'No options.';
  const lines = fates.map(({ key, inFlume, here }) => {
    return `| \`${key}\` | ${inFlume.replaceAll('|', '\\|')} | ${here.replaceAll('|', '\\|')} |`;
  });
  return ['| key | default in Flume | here |', '|---|---|---|', ...lines].join('\n');
}
