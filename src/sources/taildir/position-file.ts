import { dirname, resolve } from 'node:path';
import type { Disk } from '../../core/disk.ts';
import type { Logger } from '../../core/log.ts';

/** One file in Flume's position file: `{"inode":1,"pos":9,"file":"/dir/a.log"}`. */
export interface FilePosition {
  readonly inode: number;
  readonly pos: number;
  readonly file: string;
}

/**
 * Flume's position file: one JSON array on one line. Here it is written for people and for the
 * way back to Flume; what was delivered stands in the channels. It is read for files that no
 * channel knows. Facts: Flume 1.11, `ReliableTaildirEventReader` and `TaildirSource`, observed.
 */
export class PositionFile {
  readonly #path: string;
  readonly #disk: Disk;
  readonly #log: Logger;
  #written: string | undefined;
  #failing: string | undefined;

  constructor(path: string, disk: Disk, log: Logger) {
    this.#path = resolve(path);
    this.#disk = disk;
    this.#log = log;
  }

  /** Every path it may use. */
  get paths(): readonly string[] {
    return [this.#path, this.#temporary, this.#aside];
  }

  get #temporary(): string {
    return `${this.#path}.tmp`;
  }

  get #aside(): string {
    return `${this.#path}.bad`;
  }

  /** The positions in the file. A file that can't be read as such is set aside as `<name>.bad`. */
  async read(): Promise<readonly FilePosition[]> {
    let text: string;
    try {
      text = (await this.#disk.readFile(this.#path)).toString();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') this.#complain(error, 'read');
      return [];
    }
    // Flume empties the file before it writes it: a crash between the two leaves nothing.
    if (text.trim() === '') return [];
    const positions = parsePositions(text);
    if (positions) return positions;
    const aside = this.#aside;
    this.#log.warn({ path: this.#path, aside }, 'Position file is not JSON; set aside.');
    await this.#disk.rename(this.#path, aside).catch((error) => this.#complain(error, 'renamed'));
    return [];
  }

  /** Writes the positions, unless they stand there already. Failures are said once per kind. */
  async write(positions: readonly FilePosition[]): Promise<void> {
    const text = JSON.stringify(positions.map(({ inode, pos, file }) => ({ inode, pos, file })));
    if (text === this.#written) return;
    const temporary = this.#temporary;
    try {
      await this.#disk.makeDirectory(dirname(this.#path));
      const file = await this.#disk.open(temporary, 'w');
      try {
        await file.write([Buffer.from(text)], 0);
        await file.sync();
      } finally {
        await file.close();
      }
      await this.#disk.rename(temporary, this.#path);
      this.#written = text;
      this.#failing = undefined;
    } catch (error) {
      this.#complain(error, 'written');
    }
  }

  #complain(error: unknown, what: string): void {
    const kind = `${what} ${(error as NodeJS.ErrnoException).code}`;
    if (kind === this.#failing) return;
    this.#failing = kind;
    this.#log.warn({ path: this.#path, error }, `Position file can not be ${what}.`);
  }
}

/** `undefined` when the text is not a position file. */
function parsePositions(text: string): readonly FilePosition[] | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!Array.isArray(json)) return undefined;
  const entries: readonly unknown[] = json;
  return entries.every(isPosition) ? entries : undefined;
}

function isPosition(entry: unknown): entry is FilePosition {
  if (typeof entry !== 'object' || entry === null) return false;
  const { inode, pos, file } = entry as Partial<Record<string, unknown>>;
  const whole = Number.isSafeInteger(inode) && Number.isSafeInteger(pos);
  return whole && (pos as number) >= 0 && typeof file === 'string';
}
