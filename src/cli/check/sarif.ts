import { isAbsolute, normalize, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Finding } from '../../config/finding.ts';
import { findingCodes } from '../../config/finding-codes.ts';
import { columnsOf } from './json.ts';
import type { SourceLines } from './source-lines.ts';

/** The findings as SARIF 2.1.0, the form that CI systems show beside the lines. */
export function checkSarif(
  files: readonly string[],
  findings: readonly Finding[],
  lines: SourceLines,
  version: string,
): string {
  const codes = [...new Set(findings.map(({ code }) => code))].sort();
  const rules = codes.map((id) => ({ id, shortDescription: { text: plain(findingCodes[id]) } }));
  const results = findings.map((found) => ({
    ruleId: found.code,
    ruleIndex: codes.indexOf(found.code),
    level: found.severity,
    message: { text: plain(messageOf(found)) },
    locations: locationsOf(found, lines, files),
  }));
  const tool = { driver: { name: 'Millrace', semanticVersion: version, rules } };
  const log = {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [{ tool, columnKind: 'utf16CodeUnits', results }],
  };
  return JSON.stringify(log, null, 2);
}

function messageOf({ what, consequence, inFlume, suggestion, lines = [] }: Finding): string {
  const sentences = [what, consequence, inFlume && `In Flume: ${inFlume}`, suggestion];
  return [sentences.filter(Boolean).join(' '), ...lines].join('\n');
}

/** Text as it is: else braces are placeholders (SARIF 3.11.5), and `[a](b)` is a link (3.11.6). */
function plain(text: string): string {
  return text.replaceAll(/[{}]/g, '$&$&').replaceAll(/\[([^\]]*)\](?=\()/g, '\\[$1\\]');
}

/** What is about no place is about the files: GitHub takes no result without a location. */
function locationsOf(found: Finding, lines: SourceLines, files: readonly string[]): object[] {
  const { line, file = files[0] } = found;
  if (file === undefined) return [];
  const artifactLocation = { uri: uriOf(file) };
  if (line === undefined) return [{ physicalLocation: { artifactLocation } }];
  const { column, endColumn } = columnsOf(found, lines);
  const region = { startLine: line, startColumn: column, endColumn };
  return [{ physicalLocation: { artifactLocation, region } }];
}

/** A relative path stays one: CI systems know where the repository is, and compare texts. */
function uriOf(file: string): string {
  if (isAbsolute(file)) return pathToFileURL(file).href;
  return normalize(file).split(sep).map(encodeURIComponent).join('/');
}
