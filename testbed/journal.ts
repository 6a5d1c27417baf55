/**
 * Real journal files, made by systemd-journal-remote of entries in the export format, and read by
 * the real journalctl. Debian has them in the packages systemd and systemd-journal-remote.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

const remotePaths = ['/usr/lib/systemd', '/lib/systemd'].map((folder) =>
  join(folder, 'systemd-journal-remote'),
);

/** The program; `MILLRACE_JOURNAL_REMOTE` names another one. */
function remoteProgram(): string | undefined {
  const given = process.env['MILLRACE_JOURNAL_REMOTE'];
  return [...(given === undefined ? [] : [given]), ...remotePaths].find((path) => existsSync(path));
}

/** Why there can be no journal here, for the `skip` of a test; `false` when there can. */
export function journalMissing(): string | false {
  if (spawnSync('journalctl', ['--version']).status !== 0) return 'needs journalctl';
  return remoteProgram() === undefined ? 'needs systemd-journal-remote' : false;
}

/** What an entry has beside its times: text, or bytes that may be anything. */
export type EntryFields = Readonly<Record<string, string | Buffer>>;

const bootId = '0123456789abcdef0123456789abcdef';

/** One entry in the export format. */
export function exportEntry(fields: EntryFields, us: number): Buffer {
  const parts: Buffer[] = [
    Buffer.from(`__REALTIME_TIMESTAMP=${us}\n__MONOTONIC_TIMESTAMP=${us % 1e12}\n`),
  ];
  const all: EntryFields = { _BOOT_ID: bootId, ...fields };
  for (const [name, value] of Object.entries(all)) {
    if (typeof value === 'string') parts.push(Buffer.from(`${name}=${value}\n`));
    else {
      const size = Buffer.alloc(8);
      size.writeBigUInt64LE(BigInt(value.length));
      parts.push(Buffer.from(`${name}\n`), size, value, Buffer.from('\n'));
    }
  }
  return Buffer.concat([...parts, Buffer.from('\n')]);
}

/** A directory with journal files, one of which is written. */
export class JournalDirectory {
  readonly path: string;
  #file = 'first';
  #us = Date.UTC(2026, 10, 24) * 1000;
  #writer: ChildProcess | undefined;

  constructor(path: string) {
    this.path = path;
    mkdirSync(path, { recursive: true });
  }

  /** Writes entries, and waits until they are in the file. */
  write(...entries: readonly EntryFields[]): void {
    const input = Buffer.concat(entries.map((fields) => exportEntry(fields, this.#nextUs())));
    const result = spawnSync(remoteProgram() ?? '', this.#arguments, { input });
    if (result.status !== 0) throw new Error(`systemd-journal-remote: ${result.stderr}`);
  }

  /** Hands entries to a writer that goes on running. */
  append(...entries: readonly EntryFields[]): void {
    this.#writer ??= spawn(remoteProgram() ?? '', this.#arguments, {
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    for (const fields of entries) this.#writer.stdin?.write(exportEntry(fields, this.#nextUs()));
  }

  /** Ends that writer, once all is written; another file begins, with numbers of its own. */
  async beginFile(name: string): Promise<void> {
    await this.close();
    this.#file = name;
  }

  async close(): Promise<void> {
    const writer = this.#writer;
    this.#writer = undefined;
    if (!writer) return;
    writer.stdin?.end();
    if (writer.exitCode === null && writer.signalCode === null) await once(writer, 'exit');
  }

  get #arguments(): string[] {
    return ['-o', join(this.path, `${this.#file}.journal`), '-'];
  }

  #nextUs(): number {
    this.#us += 1_000;
    return this.#us;
  }
}
