import type { Finding } from './finding.ts';
import { finding } from './finding.ts';
import type { MergedProperties, Property } from './properties.ts';

/** What can be said of lines by their look alone, whatever they configure. */
export function remarks(merged: MergedProperties, raw: Iterable<Property>): Finding[] {
  const findings = merged.overridden
    .filter(({ lost, winner }) => lost.file === winner.file)
    .map(({ lost, winner }) =>
      finding('warning', 'duplicate-key', lost, {
        what: `${lost.key} is set again in line ${winner.line}.`,
        consequence: 'The last one counts, as in Flume; this line has no effect.',
      }),
    );
  const inUtf8 = new Map<string, Property[]>();
  for (const property of raw) {
    const found = [commentInValue(property), lostBackslash(property)];
    for (const each of found) if (each) findings.push(each);
    if (utf8In(property) === undefined) continue;
    inUtf8.set(property.file, [...(inUtf8.get(property.file) ?? []), property]);
  }
  for (const properties of inUtf8.values()) findings.push(...beyondAscii(properties));
  return findings;
}

function commentInValue(property: Property): Finding | undefined {
  // A command is a shell's business: there a # after a blank is a comment indeed.
  if (!/\s#/.test(property.value) || /\.(command|shell)$/.test(property.key)) return undefined;
  return finding('warning', 'comment-in-value', property, {
    what: `${property.key}: what looks like a comment after the value is part of the value.`,
    consequence: 'Comments end no line in this format, here as in Flume.',
    suggestion: 'Put the comment on a line of its own.',
  });
}

function lostBackslash(property: Property): Finding | undefined {
  const [letter] = property.lostBackslashes;
  if (letter === undefined) return undefined;
  return finding('warning', 'lost-backslash', property, {
    what: `${property.key}: a single backslash is dropped, so \\${letter} is read as ${letter}.`,
    consequence: 'The value differs from what the file shows, here as in Flume.',
    suggestion: `Write \\\\${letter}.`,
  });
}

/** What the value was meant to be, when it was written in UTF-8 and read as something else. */
function utf8In({ value }: Property): string | undefined {
  const bytes = Buffer.from(value, 'latin1');
  const meant = bytes.toString('utf8');
  // A character beyond ISO-8859-1 was written as \uXXXX and is what it should be.
  const isRead = bytes.toString('latin1') === value;
  return isRead && meant !== value && !meant.includes('\ufffd') ? meant : undefined;
}

/** One finding for all the lines of a file: such files have many. */
function beyondAscii([first, ...others]: readonly Property[]): Finding[] {
  if (!first) return [];
  const meant = utf8In(first) ?? '';
  const also = others.length === 0 ? '' : ` So are ${others.length} more lines of this file.`;
  return [
    finding('warning', 'not-latin', first, {
      what: `${first.key}: the value is written in UTF-8, but the format is ISO-8859-1.${also}`,
      consequence: `${meant} is read as ${first.value}, here as in Flume.`,
      suggestion: `Write ${escapeBeyondAscii(meant)}.`,
    }),
  ];
}

function escapeBeyondAscii(text: string): string {
  // Without the flag u, so that a character beyond 16 bits becomes its two halves, as Java has it.
  return text.replaceAll(/[^\x20-\x7e]/g, (half) => {
    return `\\u${half.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}
