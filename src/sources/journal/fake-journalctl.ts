import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/* What fake-journal.ts has for `journalctl --follow`: entries from a given one on, as they come. */

const [path = '', first = '1'] = process.argv.slice(2);

/** The entries that are whole, as they stand in the file. */
function entries(): string[] {
  const text = readFileSync(path, 'latin1');
  return text.slice(0, text.lastIndexOf('\n\n') + 2).match(/[\s\S]+?\n\n/g) ?? [];
}

for (let next = Number(first); ; ) {
  for (const entry of entries().slice(next - 1)) {
    const written = process.stdout.write(entry, 'latin1');
    if (!written) await new Promise((resolve) => process.stdout.once('drain', resolve));
    next++;
  }
  await sleep(5);
}
