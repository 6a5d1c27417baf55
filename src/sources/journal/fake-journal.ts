import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** An entry to be written. */
export interface FakeEntry {
  readonly message?: string;
  readonly fields?: Readonly<Record<string, string>>;
  /** In ms since 1970; absent: a millisecond after the last one. */
  readonly at?: number;
}

/**
 * Gives the entries of the file `entries`: from the one with the cursor on, whatever its number, or
 * from the next one in time.
 */
const script = `#!/bin/sh
time=0
for word; do
  case $word in
    --version) exit 0 ;;
    --directory=*) folder=\${word#*=} ;;
    --cursor=*) cursor=\${word#*=} ;;
    --since=@*) time=\${word#*@}000000 ;;
    --follow) follow=yes ;;
  esac
done
[ "$cursor" ] && time=$(printf '%d' "0x$(echo "$cursor" | sed 's/.*;t=//; s/;.*//')")
first=$(LC_ALL=C awk -v traits=";\${cursor#*;*;}" -v time="$time" '
  BEGIN { RS = ""; FS = "\\n" }
  traits != ";" && index($1, traits) { print NR; exit }
  { sub(/.*=/, "", $2); if (!later && (traits == ";" ? $2 >= time : $2 > time)) later = NR }
  END { if (later) print later }' "$folder/entries" | head -n 1)
: "\${first:=1000000000}"
if [ "$follow" ]; then
  [ $first = 1000000000 ] && first=$(($(grep -c '^$' "$folder/entries") + 1))
fi
printf '%s\\n' "$*" >> "$folder/calls"
if [ "$follow" ]; then
  echo $$ > "$folder/following"
  exec "${process.execPath}" "${join(import.meta.dirname, 'fake-journalctl.ts')}" \\
    "$folder/entries" $first
fi
LC_ALL=C exec awk -v first=$first 'BEGIN { RS = ""; ORS = "\\n\\n" } NR >= first' "$folder/entries"
`;

const bootId = '0123456789abcdef0123456789abcdef';

/** A journal in a folder of its own, with a script that stands in for journalctl. */
export class FakeJournal {
  readonly folder = mkdtempSync(join(tmpdir(), 'millrace-journal-'));
  /** The program for the option `journalctl`. */
  readonly journalctl = join(this.folder, 'journalctl');
  /** Who numbers the entries, and the number of the last one. */
  series = 'a'.repeat(32);
  number = 0;
  #at = Date.UTC(2026, 0, 1);

  constructor() {
    writeFileSync(this.journalctl, script, { mode: 0o755 });
    writeFileSync(this.#path, '');
  }

  get #path(): string {
    return join(this.folder, 'entries');
  }

  /** Gives their cursors. */
  write(...entries: readonly (FakeEntry | string)[]): string[] {
    const cursors: string[] = [];
    let text = '';
    for (const given of entries) {
      const entry: FakeEntry = typeof given === 'string' ? { message: given } : given;
      this.#at = entry.at ?? this.#at + 1;
      const us = this.#at * 1000;
      const traits = `b=${bootId};m=${(us % 1e12).toString(16)};t=${us.toString(16)};x=0`;
      const cursor = `s=${this.series};i=${(++this.number).toString(16)};${traits}`;
      cursors.push(cursor);
      const fields = {
        ...entry.fields,
        ...(entry.message !== undefined && { MESSAGE: entry.message }),
      };
      text += `__CURSOR=${cursor}\n__REALTIME_TIMESTAMP=${us}\n`;
      for (const [name, value] of Object.entries(fields)) text += `${name}=${value}\n`;
      text += '\n';
    }
    appendFileSync(this.#path, text, 'utf8');
    return cursors;
  }

  /** The arguments of each run of journalctl so far. */
  calls(): string[][] {
    const path = join(this.folder, 'calls');
    const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
    return text
      .trim()
      .split('\n')
      .filter(Boolean)
      .map((line) => line.split(' '));
  }

  /** Kills the journalctl that follows; false: there is none. */
  kill(): boolean {
    const path = join(this.folder, 'following');
    const pid = existsSync(path) ? Number(readFileSync(path, 'utf8')) : 0;
    // The file is there a moment before its content is.
    if (pid === 0) return false;
    rmSync(path);
    process.kill(pid, 'SIGKILL');
    return true;
  }

  /** Writes anything. */
  writeText(text: string): void {
    appendFileSync(this.#path, text);
  }

  /** Removes the oldest entries. */
  vacuum(count: number): void {
    const entries = readFileSync(this.#path, 'utf8').match(/[\s\S]+?\n\n/g) ?? [];
    writeFileSync(this.#path, entries.slice(count).join(''));
  }

  /** From now on others number the entries. */
  beginSeries(letter: string): void {
    this.series = letter.repeat(32);
    this.number = 0;
  }

  /** All entries so far get other numbers, as when journald moves them to another file. */
  renumber(letter: string): void {
    this.beginSeries(letter);
    const text = readFileSync(this.#path, 'utf8');
    const renumbered = text.replaceAll(/^__CURSOR=s=\w+;i=\w+/gm, () => {
      return `__CURSOR=s=${this.series};i=${(++this.number).toString(16)}`;
    });
    writeFileSync(this.#path, renumbered);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
