import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/*
 * Stands in for journalctl in tests: gives the entries of the file `entries` in a directory, each
 * with its cursor, in the order in which they are there.
 */

const option = (name: string) => {
  const found = process.argv.find((word) => word.startsWith(`--${name}=`));
  return found?.slice(name.length + 3);
};

if (process.argv.includes('--version')) process.exit(0);

const folder = option('directory');
const path = `${folder}/entries`;
appendFileSync(`${folder}/calls`, `${JSON.stringify(process.argv.slice(2))}\n`);
const cursor = option('cursor');
const sinceUs = Number(option('since')?.slice(1) ?? 0) * 1e6;

const timeOf = (text: string) => Number.parseInt(/;t=([0-9a-f]+)/.exec(text)?.[1] ?? '0', 16);
const cursorOf = (entry: string) => /^__CURSOR=(.*)$/m.exec(entry)?.[1] ?? '';

/** The entries that are whole, as they stand in the file. */
function entries(): string[] {
  const text = readFileSync(path, 'latin1');
  return text.slice(0, text.lastIndexOf('\n\n') + 2).match(/[\s\S]+?\n\n/g) ?? [];
}

/** Where to begin: with the entry of the cursor, by whatever number, or the next one in time. */
function first(all: readonly string[]): number {
  if (cursor === undefined) return all.findIndex((entry) => timeOf(cursorOf(entry)) >= sinceUs);
  const traits = cursor.slice(cursor.indexOf(';b='));
  const found = all.findIndex((entry) => cursorOf(entry).endsWith(traits));
  if (found >= 0) return found;
  return all.findIndex((entry) => timeOf(cursorOf(entry)) > timeOf(cursor));
}

async function write(text: string): Promise<void> {
  if (process.stdout.write(text, 'latin1')) return;
  await new Promise((resolve) => process.stdout.once('drain', resolve));
}

if (process.argv.includes('--follow')) writeFileSync(`${folder}/following`, String(process.pid));
let given: string | undefined;
do {
  const all = entries();
  const last = given;
  const from = last === undefined ? first(all) : all.lastIndexOf(last) + 1;
  for (const entry of from < 0 ? [] : all.slice(from)) {
    await write(entry);
    given = entry;
  }
  if (process.argv.includes('--follow')) await sleep(5);
} while (process.argv.includes('--follow'));
