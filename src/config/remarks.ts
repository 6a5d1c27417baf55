// biome-ignore-all lint/suspicious/noTemplateCurlyInString: that is what the texts speak of.
import { isName, notAnAgent } from './blocks.ts';
import type { Finding } from './finding.ts';
import { finding } from './finding.ts';
import { atKey, atValue } from './places.ts';
import {
  bounds,
  byteOrderMark,
  type MergedProperties,
  type Overridden,
  type Property,
} from './properties.ts';
import { hasSecret } from './secrets.ts';

/** What can be said of lines by their look alone, whatever they configure. */
export function remarks(merged: MergedProperties): Finding[] {
  const findings = merged.overridden.flatMap(setTwice);
  const beyondLatin = new Map<string, Property[]>();
  for (const property of merged.properties.values()) {
    for (const remark of lineRemarks) {
      const found = remark(property);
      if (found) findings.push(found);
    }
    if (meantText(property) === undefined) continue;
    beyondLatin.set(property.file, [...(beyondLatin.get(property.file) ?? []), property]);
  }
  for (const properties of beyondLatin.values()) findings.push(...beyondAscii(properties));
  return findings;
}

/** Across files it is how one file changes another. */
function setTwice({ lost, winner }: Overridden): Finding[] {
  if (lost.file !== winner.file) return [];
  if (!isName(lost.key)) return [notAnAgent(lost)];
  const isSame = lost.value.trim() === winner.value.trim();
  return [
    finding(isSame ? 'note' : 'warning', 'duplicate-key', atKey(lost), {
      what: `${lost.key} is set again in line ${winner.line}${isSame ? ', to the same' : ''}.`,
      consequence: isSame
        ? 'That changes nothing.'
        : 'The last one counts, here as in Flume: this line has no effect.',
      suggestion: `Remove this line or line ${winner.line}.`,
    }),
  ];
}

function markedFile(property: Property): Finding | undefined {
  if (property.line !== 1 || !property.key.startsWith(byteOrderMark)) return undefined;
  return finding('warning', 'byte-order-mark', atKey(property), {
    what: 'The file begins with a byte order mark, three bytes that editors do not show.',
    consequence: 'They belong to the first key, so that this line has no effect, as in Flume.',
    suggestion: 'Save the file as UTF-8 without BOM.',
  });
}

/** Values of such keys are no plain words: # and quotes may well belong there. */
const freeForm = /(command|shell|regex|pattern|replaceString|delimiter|splitchars|jaas\.config)$/i;

function commentInValue(property: Property): Finding | undefined {
  const [, comment = ''] = /\s(#.*|\/\/\s.*)$/s.exec(property.value) ?? [];
  if (comment === '' || freeForm.test(property.key)) return undefined;
  return finding('warning', 'comment-in-value', atValue(property, comment.trim()), {
    what: 'What looks like a comment behind the value is part of the value.',
    consequence: 'Only a whole line can be a comment, here as in Flume.',
    suggestion: 'Put the comment on a line of its own.',
  });
}

/** Keys whose values are words anyway, so that a blank before them is as good as a =. */
const listKey = /\.(sources|channels|sinks|sinkgroups|interceptors|filegroups|ports|serializers)$/;

function blankSeparator(property: Property): Finding | undefined {
  const text = property.parts.map((part) => part.text).join('');
  const { keyEnd, valueStart } = bounds(text);
  const value = property.value.trim();
  const isBlank = valueStart > keyEnd && !/[=:]/.test(text.slice(keyEnd, valueStart));
  if (!isBlank || !isName(property.key) || !/[\s=]|^\$ :/.test(value)) return undefined;
  if (listKey.test(property.key) && !value.includes('=')) return undefined;
  return finding('warning', 'blank-separator', atValue(property), {
    what: 'There is no = between key and value: the blank ends the key.',
    consequence: `The value is ${JSON.stringify(value)}, here as in Flume.`,
    suggestion: `Write ${property.key} = …, if the value is meant to be another one.`,
  });
}

function quotedValue(property: Property): Finding | undefined {
  const value = property.value.trim();
  if (!/^(".*"|'.*'|“.*”)$/s.test(value) || value.length < 3) return undefined;
  if (freeForm.test(property.key)) return undefined;
  return finding('warning', 'quoted-value', atValue(property), {
    what: 'The quotes are part of the value.',
    consequence: 'Quotes have no meaning in this format, here as in Flume.',
    suggestion: 'Remove them, unless they are meant.',
  });
}

/** Keys whose values are regular expressions. */
const patternKey = /(regex|pattern|matching|\.search)$|\.filegroups\.|\bboundary/i;
/** Without its backslash it means something else in a regular expression. */
const meaningful = /[.[\](){}*+?^$|]/;

function lostBackslash(property: Property): Finding | undefined {
  const isPattern = patternKey.test(property.key);
  const matters = (lost: string) =>
    /[0-9A-Za-z]/.test(lost) || (isPattern && meaningful.test(lost));
  const lost = property.lostBackslashes.find(matters);
  if (lost === undefined) return undefined;
  return finding('warning', 'lost-backslash', atValue(property), {
    what: `A single backslash is dropped: "\\${lost}" is read as "${lost}".`,
    consequence: 'The value is another one than the file shows, here as in Flume.',
    suggestion: `Write each backslash twice: "\\\\${lost}".`,
  });
}

const lineRemarks: readonly ((property: Property) => Finding | undefined)[] = [
  markedFile,
  blankSeparator,
  commentInValue,
  quotedValue,
  lostBackslash,
  password,
];

function password(property: Property): Finding | undefined {
  const raw = property.parts.map(({ text }) => text).join('');
  const secret = property.value === '' || !hasSecret(property.key, property.value);
  if (secret || raw.includes('${')) return undefined;
  return finding('warning', 'clear-password', atKey(property), {
    what: 'The password stands in the file.',
    consequence: 'Whoever can read the file has it.',
    suggestion: 'Take it from the environment, and write ${env:NAME} in its place.',
  });
}

/**
 * What was meant, when a key or value was written in UTF-8 and read as something else. Only of
 * lines that may belong to an agent; a comment behind a value has a finding of its own.
 */
function meantText({ key, value }: Property): string | undefined {
  if (!/[^.]\.[^.]/.test(key) || key.startsWith(byteOrderMark)) return undefined;
  return inUtf8(value.replace(/\s#.*$/s, '')) ?? inUtf8(key);
}

function inUtf8(text: string): string | undefined {
  const bytes = Buffer.from(text, 'latin1');
  // A character beyond ISO-8859-1 was written as \uXXXX and is what it should be.
  if (bytes.toString('latin1') !== text) return undefined;
  const meant = bytes.toString('utf8');
  if (meant !== text && !meant.includes('\ufffd')) return meant;
  // Bytes that are control characters in ISO-8859-1 belong to another encoding.
  return /[\x80-\x9f]/.test(text) ? text : undefined;
}

/** One finding for all the lines of a file: such files have many. */
function beyondAscii([first, ...others]: readonly Property[]): Finding[] {
  if (!first) return [];
  const inKey = inUtf8(first.value) === undefined;
  const read = inKey ? first.key : first.value;
  const meant = inUtf8(read) ?? read;
  const also = others.length === 0 ? '' : ` So are ${others.length} more lines of this file.`;
  const place = inKey ? atKey(first) : atValue(first);
  const isKnown = meant !== read;
  return [
    finding('warning', 'not-latin', place, {
      what: isKnown
        ? `This is written in UTF-8, but the format is ISO-8859-1.${also}`
        : `This is written in another encoding than ISO-8859-1.${also}`,
      consequence: 'It is read as other characters than an editor shows, here as in Flume.',
      suggestion: isKnown
        ? `Write ${escapeBeyondAscii(meant)}, or use plain letters.`
        : 'Write the characters as \\uXXXX, or use plain letters.',
    }),
  ];
}

function escapeBeyondAscii(text: string): string {
  // Without the flag u, so that a character beyond 16 bits becomes its two halves, as Java has it.
  return text.replaceAll(/[^\x20-\x7e]/g, (half) => {
    return `\\u${half.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}
