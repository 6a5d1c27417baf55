import type { ComponentKind } from '../definition.ts';
import { type Finding, finding } from '../finding.ts';
import type { FlumeComponent } from '../flume/component.ts';
import { flumeClasses } from '../flume-types.ts';
import { editDistance, nearest } from '../nearest.ts';
import { atValue } from '../places.ts';
import type { Property } from '../properties.ts';
import type { Resolver } from './scope.ts';

/** A component of Flume that Millrace does not have. */
export function ofFlume(
  kind: ComponentKind,
  type: Property,
  known: FlumeComponent,
  ifUnknown: string,
): Finding {
  const yet = known.never ? '' : ' yet';
  return finding('error', known.never ? 'type-not-here' : 'type-not-yet', atValue(type), {
    what: `Millrace does not have Flume's ${kind} ${type.value}${yet}.`,
    consequence: ifUnknown,
    inFlume: inFlume(known),
    suggestion: sentence(known.instead ?? 'Keep Flume for this agent until it is here.'),
  });
}

function inFlume({ type, until }: FlumeComponent): string {
  if (until) return `It was last in Flume ${until}; a later one would not start.`;
  if (type === 'load_balancing') return 'Flume 1.11 leaves the source out: it lost this selector.';
  return 'It is there.';
}

/** A type that neither Millrace nor Flume has: a class of the user's own, or a misspelt word. */
export function ofNobody(
  kind: ComponentKind,
  type: Property,
  resolver: Resolver,
  ifUnknown: string,
): Finding {
  const { value } = type;
  const [word = value] = value.split(/\s/, 1);
  if (/^[\w$]+(\.[\w$]+)+$/.test(word)) return javaClass(kind, type, word, resolver, ifUnknown);
  const known = resolver.types(kind);
  const meant = nearest(word, [...known, ...flumeClasses(kind).keys()]);
  return finding('error', 'unknown-type', atValue(type), {
    what: `There is no ${kind} of type "${value}".`,
    consequence: ifUnknown,
    inFlume: capital(flumeFails(kind)),
    suggestion: meant ? `Did you mean ${meant}?` : `Types there are: ${known.join(', ')}.`,
  });
}

/** A class of Flume that differs by so little is rather misspelt than somebody's own. */
const maxMisspelt = 2;

function javaClass(
  kind: ComponentKind,
  type: Property,
  word: string,
  resolver: Resolver,
  ifUnknown: string,
): Finding {
  // A class with another number in its name is another one: ElasticSearch2.
  const numbers = (text: string) => text.replaceAll(/\D/g, '');
  const meant = [...flumeClasses(kind).values()].find(
    (each) =>
      numbers(each) === numbers(word) &&
      editDistance(each.toLowerCase(), word.toLowerCase()) <= maxMisspelt,
  );
  return finding('error', 'unknown-class', atValue(type), {
    what: `${word} is a Java class, and Millrace runs no Java.`,
    consequence: ifUnknown,
    inFlume: `It runs if its jar is there; if not, ${flumeFails(kind)}`,
    suggestion: meant ? `Did you mean ${meant}?` : waysOn(kind, resolver),
  });
}

/** The two ways on for a class of the user's own. */
function waysOn(kind: ComponentKind, resolver: Resolver): string {
  const write = `Write it in TypeScript (type = ./my-${kind}.ts)`;
  const has = (side: 'source' | 'sink') => resolver.types(side).includes('avro');
  switch (kind) {
    case 'source':
    case 'interceptor': {
      const how = has('source') ? 'sends by Avro to this agent' : 'writes files for taildir here';
      return `${write}, or keep a small Flume for it that ${how}.`;
    }
    case 'sink': {
      const how = has('sink') ? 'gets the events by Avro' : 'reads what file_roll writes here';
      return `${write}, or keep a small Flume for it that ${how}.`;
    }
    case 'channel':
      return `Use type = file, or write it in TypeScript (type = ./my-channel.ts).`;
    default:
      return `${write}.`;
  }
}

/** An unknown source, channel or sink stops all of Flume; anything else only its component. */
function flumeFails(kind: ComponentKind): string {
  switch (kind) {
    case 'source':
    case 'channel':
    case 'sink':
      return 'the whole agent does not start.';
    case 'serializer':
      return 'the sink fails at each event.';
    default:
      return 'the source is left out.';
  }
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

function sentence(text: string): string {
  return text.replaceAll(/\s+/g, ' ');
}
