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
  for (const property of raw) {
    const found = [commentInValue(property), lostBackslash(property), beyondAscii(property)];
    for (const each of found) if (each) findings.push(each);
  }
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

function beyondAscii(property: Property): Finding | undefined {
  const bytes = Buffer.from(property.value, 'latin1');
  const asUtf8 = bytes.toString('utf8');
  // A character beyond ISO-8859-1 was written as \uXXXX and is what it should be.
  if (bytes.toString('latin1') !== property.value || asUtf8 === property.value) return undefined;
  if (asUtf8.includes('\ufffd')) return undefined;
  return finding('warning', 'not-latin', property, {
    what: `${property.key}: the value is written in UTF-8, but the format is ISO-8859-1.`,
    consequence: `${asUtf8} is read as ${property.value}, here as in Flume.`,
    suggestion: `Write ${escapeBeyondAscii(asUtf8)}.`,
  });
}

function escapeBeyondAscii(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}
