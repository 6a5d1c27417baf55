/*
 * Writes docs/reference from the definitions: `node src/cli/docs.ts`. With `--check` it writes
 * nothing, and ends with 1 when a file differs from what it would write.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { compatibilityPage } from '../config/compatibility.ts';
import { findingsPage, referenceFiles } from '../config/reference.ts';
import { configurationSchema } from '../config/schema.ts';
import { allDefinitions } from '../registry.ts';
import { packageRoot } from './command.ts';

const definitions = await allDefinitions();
const root = join(packageRoot(), 'docs', 'reference');
const files = new Map([
  ...referenceFiles(definitions),
  ['compatibility.md', compatibilityPage(definitions)],
  ['findings.md', findingsPage()],
  ['millrace.schema.json', `${JSON.stringify(configurationSchema(definitions), null, 2)}\n`],
]);
const present = new Map(
  listing()
    .filter((path) => /\.(md|json)$/.test(path))
    .map((path) => [path, readFileSync(join(root, path), 'utf8')]),
);
const changed = [...files].filter(([path, text]) => present.get(path) !== text);
const surplus = [...present.keys()].filter((path) => !files.has(path));

if (process.argv.includes('--check')) {
  const stale = [...changed.map(([path]) => path), ...surplus];
  for (const path of stale) console.error(`docs/reference/${path} is not current: npm run docs`);
  process.exitCode = stale.length === 0 ? 0 : 1;
} else {
  for (const [path, text] of changed) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  for (const path of surplus) rmSync(join(root, path));
  console.log(`docs/reference: ${changed.length} written, ${surplus.length} removed.`);
}

function listing(): string[] {
  try {
    return readdirSync(root, { recursive: true, encoding: 'utf8' });
  } catch {
    // The first run makes the directory.
    return [];
  }
}
