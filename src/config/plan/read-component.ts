import type { Block } from '../blocks.ts';
import type { Definition } from '../definition.ts';
import type { Fields } from '../field.ts';
import type { FlumeComponent } from '../flume/component.ts';
import { atValue, missingAt } from '../places.ts';
import type { AnyConfig } from '../plan.ts';
import type { Property } from '../properties.ts';
import { keyOf, readConfig } from '../read-config.ts';
import { ChosenSerializer, choiceIn } from '../serializer-field.ts';
import type { PlanScope } from './scope.ts';

/** Something with a type, and its lines. */
export interface Lines {
  readonly block: Block;
  readonly type: Property;
  readonly definition?: Definition;
  readonly known?: FlumeComponent;
}

/**
 * The configuration of a component, if it has a definition and no error. The lines of a component
 * that only Flume has are checked as well: they are to be right where it runs.
 *
 * @param foreign keys that are read by someone else, or what they begin with, up to a dot
 * @param left what becomes of the component without a configuration, without a full stop
 */
export async function readComponent(
  scope: PlanScope,
  { block, type, definition, known }: Lines,
  foreign: readonly string[],
  left: string,
): Promise<AnyConfig | undefined> {
  const described = definition ?? known;
  if (!described) return undefined;
  const ends = definition ? left : `Flume leaves ${whole(left)} out`;
  const serializers = await findSerializers(scope, { block, type }, described.fields, left);
  const { config, findings } = readConfig<Fields>(described.fields, block, {
    check: (values) => definition?.check?.(values) ?? [],
    isForeign: (key) => foreign.some((each) => key === each || isBelow(key, each)),
    foreignKeys: foreign.filter((each) => !each.endsWith('.')),
    place: type,
    owner: `${described.type} ${described.kind}`,
    left: ends,
    late: definition ? left : 'In Flume each event fails',
    asInFlume: definition !== undefined,
    serializers,
  });
  scope.findings.push(...findings);
  if (known) {
    const lines = { block, type, known };
    checkConditions(scope, lines, ends);
    await checkParts(scope, lines, ends);
  }
  return definition && config;
}

/** What the options that name a serializer mean; findings say what can't be used. */
async function findSerializers(
  scope: PlanScope,
  { block, type }: Pick<Lines, 'block' | 'type'>,
  fields: Fields,
  left: string,
): Promise<ReadonlyMap<string, ChosenSerializer>> {
  const found = new Map<string, ChosenSerializer>();
  for (const [name, field] of Object.entries(fields)) {
    const choice = choiceIn(field);
    if (!choice) continue;
    const key = keyOf(name, field);
    const implied = choice.implied?.((each) => block.properties.get(each)?.value);
    const given = implied === undefined ? block.properties.get(key) : undefined;
    const own = given ?? { ...type, value: implied ?? choice.defaultType };
    const meaning = await scope.meaning('serializer', own, `${left}.`);
    const lines = { block: below(block, `${key}.`), type: own, ...meaning };
    const config = await readComponent(scope, lines, [], left);
    if (meaning.definition && config) {
      found.set(key, new ChosenSerializer(meaning.definition, config));
    }
  }
  return found;
}

/** `The sink k1 is left out` → `the sink k1`; a channel takes others with it. */
function whole(left: string): string {
  return left.replace(/^The/, 'the').replace(/ is left out.*/, '');
}

function isBelow(key: string, start: string): boolean {
  return start.endsWith('.') && key.startsWith(start);
}

interface KnownLines {
  readonly block: Block;
  readonly type: Property;
  readonly known: FlumeComponent;
}

/** Options that are required only if another one is true, or unless another one is set. */
function checkConditions(scope: PlanScope, { block, type, known }: KnownLines, left: string): void {
  for (const [key, condition] of known.conditions) {
    if (block.properties.has(key)) continue;
    const [word, ...rest] = condition.split(' ');
    const others = rest.join(' ').split(', ');
    const given = others.map((each) => block.properties.get(each)).find(Boolean);
    const isOn = given && (known.fields[others[0] ?? '']?.parse(given.value) ?? false) !== false;
    if (word === 'if' ? !isOn : given) continue;
    const full = block.prefix + key;
    const why = word === 'if' ? ` since ${others[0]} is set` : '';
    scope.add('error', 'missing-key', missingAt(full, given ?? type), {
      what: `${full} is required${why}: ${known.fields[key]?.doc ?? ''}`,
      consequence: `${left}.`,
      suggestion: key.startsWith('keystore')
        ? `Write ${full} = …, unless Java gets -Djavax.net.ssl.keyStore.`
        : `Write ${full} = …`,
    });
  }
}

/** What an option names: its own options, which begin with that option's key. */
async function checkParts(
  scope: PlanScope,
  { block, known }: KnownLines,
  left: string,
): Promise<void> {
  for (const [key, kind] of Object.entries(known.parts ?? {})) {
    const property = block.properties.get(key);
    const word = property?.value ?? defaultWord(known, key);
    if (word === undefined) continue;
    const { knownComponent, knownComponents } = await import('../flume/known.ts');
    const part = knownComponent(kind, word);
    if (part) {
      const own = below(block, `${key}.`);
      const { findings } = readConfig<Fields>(part.fields, own, {
        place: property,
        owner: `${part.type} ${part.kind}`,
        left,
      });
      scope.findings.push(...findings);
      continue;
    }
    if (!property) continue;
    const isClass = /^[\w$]+(\.[\w$]+)+$/.test(word);
    const types = knownComponents(kind).map((each) => each.type);
    scope.add(
      isClass ? 'warning' : 'error',
      isClass ? 'unknown-class' : 'unknown-type',
      atValue(property),
      {
        what: isClass
          ? `${word} is a Java class, and Millrace runs no Java.`
          : `There is no ${kind} of type "${word}".`,
        consequence: isClass ? 'It has to stay with Flume.' : `${left}.`,
        suggestion: isClass
          ? 'Keep a small Flume for it, or use another one.'
          : `Types there are: ${types.join(', ')}.`,
      },
    );
  }
}

function defaultWord(known: FlumeComponent, key: string): string | undefined {
  const value = known.fields[key]?.default;
  return typeof value === 'string' ? value : undefined;
}

/** The lines of a block that begin with `start`, without it. */
export function below(block: Block, start: string): Block {
  const properties = new Map<string, Property>();
  for (const [key, property] of block.properties) {
    if (key.startsWith(start) && key !== start) properties.set(key.slice(start.length), property);
  }
  return { prefix: block.prefix + start, properties };
}
