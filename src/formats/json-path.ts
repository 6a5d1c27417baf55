/**
 * Where a value is in a JSON document, as steps: a name in an object, an index in an array.
 *
 *   path  => ["$"] [step]              `$` alone is the whole document
 *   step  => "." name | name           the first needs no dot; no blanks, quotes or `.[]` in it
 *          | "[" digits "]"            from 0 on
 *          | "['" any "']"             any name; `\'` and `\\` for a quote and a backslash
 */
export type JsonPath = readonly (string | number)[];

const step = /\.?([^\s.[\]'"]+)|\[(\d{1,9})\]|\['((?:[^'\\]|\\['\\])*)'\]/y;

/** @throws Error that says what is wrong, for people */
export function parseJsonPath(text: string): JsonPath {
  const steps: (string | number)[] = [];
  const begin = text.startsWith('$') && /^\$($|[.[])/.test(text) ? 1 : 0;
  if (text === '') throw new Error('a path is empty; $ is the whole document');
  for (let at = begin; at < text.length; at = step.lastIndex) {
    step.lastIndex = at;
    const [found, name, index, quoted] = step.exec(text) ?? [];
    const isDotted = text[at] === '.' || text[at] === '[';
    if (found === undefined || (at > 0 && !isDotted)) {
      throw new Error(`expected .name or [0] at ${JSON.stringify(text.slice(at))}`);
    }
    if (index !== undefined) steps.push(Number(index));
    else steps.push(name ?? (quoted ?? '').replaceAll(/\\(.)/g, '$1'));
  }
  return steps;
}

/** The value there; undefined where there is none. */
export function valueAt(document: unknown, path: JsonPath): unknown {
  let value = document;
  for (let index = 0; index < path.length; index++) {
    const key = path[index] as string | number;
    if (typeof value !== 'object' || value === null) return undefined;
    // An index is for arrays only, a name for objects only; neither finds what is inherited.
    if (Array.isArray(value) !== (typeof key === 'number')) return undefined;
    if (!Object.hasOwn(value, key)) return undefined;
    value = (value as Readonly<Record<string | number, unknown>>)[key];
  }
  return value;
}
