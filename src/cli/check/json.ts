import type { Finding } from '../../config/finding.ts';
import { guarantees } from '../../config/guarantee.ts';
import type { Planned } from '../../config/plan.ts';
import type { SourceLines } from './source-lines.ts';

/** Changes only when a program that reads the present form would no longer understand it. */
const format = 1;

/** Everything that a check found, for programs. */
export function checkJson(
  files: readonly string[],
  planned: readonly Planned[],
  findings: readonly Finding[],
  lines: SourceLines,
): string {
  const report = {
    format,
    files,
    agents: planned.map(({ plan, runnable }) => ({
      name: plan.agent,
      runs: runnable,
      sources: plan.sources.map(({ name }) => name),
      channels: plan.channels.map(({ name }) => name),
      sinks: plan.sinks.map(({ name }) => name),
      paths: guarantees(plan),
    })),
    findings: findings.map((each) => ({ ...each, length: undefined, ...columnsOf(each, lines) })),
  };
  return JSON.stringify(report, null, 2);
}

/** Columns as editors count them: UTF-16 units from 1, the end exclusive. */
export function columnsOf(
  found: Finding,
  lines: SourceLines,
): { readonly column?: number; readonly endColumn?: number } {
  const mark = lines.mark(found);
  return mark ? { column: mark.start + 1, endColumn: mark.end + 1 } : {};
}
