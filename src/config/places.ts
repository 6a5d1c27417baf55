import type { Place } from './finding.ts';
import { bounds, type Property } from './properties.ts';

/*
 * Which part of a line a finding is about, so that it can be underlined. Positions are those of the
 * file, whatever escapes, lookups and continued lines made of the text since.
 */

/** The key of a property. */
export function atKey(property: Property): Place {
  return placeOf(property, 0, bounds(textOf(property)).keyEnd);
}

/** The last of the words between dots of a key that is this one; else the whole key. */
export function atKeyPart(property: Property, part: string): Place {
  const { keyEnd } = bounds(textOf(property));
  const key = textOf(property).slice(0, keyEnd);
  const found = part === '' ? -1 : lastIndex(key, part, '.');
  return found < 0 ? atKey(property) : placeOf(property, found, found + part.length);
}

/** The value of a property; a word of it, where the file has that word as it is. */
export function atValue(property: Property, word = ''): Place {
  const text = textOf(property);
  const { valueStart } = bounds(text);
  const value = text.slice(valueStart).trimEnd();
  if (value === '') return atKey(property);
  const found = word === '' ? -1 : lastIndex(value, word, ' ');
  if (found < 0) return placeOf(property, valueStart, valueStart + value.length);
  return placeOf(property, valueStart + found, valueStart + found + word.length);
}

/** A place for what is missing: the key it should have, at a line that belongs to the same. */
export function missingAt(key: string, near: Property | undefined): Place {
  return near ? { ...atKey(near), key } : { key };
}

/** Where a word stands last, with nothing but separators around it. */
function lastIndex(text: string, word: string, separator: '.' | ' '): number {
  const isEdge = (character: string | undefined) =>
    character === undefined || (separator === '.' ? character === '.' : /\s/.test(character));
  let found = text.lastIndexOf(word);
  while (found > 0 && !(isEdge(text[found - 1]) && isEdge(text[found + word.length]))) {
    found = text.lastIndexOf(word, found - 1);
  }
  return found === 0 && !isEdge(text[word.length]) ? -1 : found;
}

function textOf({ parts }: Property): string {
  return parts.map(({ text }) => text).join('');
}

/** From one offset of the text to another; no further than to the end of the first line. */
function placeOf(property: Property, from: number, to: number): Place {
  const { key, file, parts } = property;
  let passed = 0;
  for (const { line, column, text } of parts) {
    if (from < passed + text.length) {
      const length = Math.min(to, passed + text.length) - from;
      return { key, file, line, column: column + from - passed, length };
    }
    passed += text.length;
  }
  return { key, file, line: property.line, column: property.column, length: 1 };
}
