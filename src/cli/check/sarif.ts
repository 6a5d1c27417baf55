import { isAbsolute, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Finding } from '../../config/finding.ts';
import { findingCodes } from '../../config/finding-codes.ts';
import { columnsOf } from './json.ts';
import type { SourceLines } from './source-lines.ts';

/** The findings as SARIF 2.1.0, the form that CI systems show beside the lines. */
export function checkSarif(
  findings: readonly Finding[],
  lines: SourceLines,
  version: string,
): string {
  const codes = [...new Set(findings.map(({ code }) => code))].sort();
  const rules = codes.map((id) => ({ id, shortDescription: { text: findingCodes[id] } }));
  const results = findings.map((found) => ({
    ruleId: found.code,
    ruleIndex: codes.indexOf(found.code),
    level: found.severity,
    message: { text: messageOf(found) },
    locations: locationsOf(found, lines),
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

function locationsOf(found: Finding, lines: SourceLines): object[] {
  const { file, line } = found;
  if (file === undefined) return [];
  const artifactLocation = { uri: uriOf(file) };
  if (line === undefined) return [{ physicalLocation: { artifactLocation } }];
  const { column, endColumn } = columnsOf(found, lines);
  const region = { startLine: line, startColumn: column, endColumn };
  return [{ physicalLocation: { artifactLocation, region } }];
}

/** A relative path stays one: CI systems know where the repository is. */
function uriOf(file: string): string {
  if (isAbsolute(file)) return pathToFileURL(file).href;
  return file.split(sep).map(encodeURIComponent).join('/');
}
