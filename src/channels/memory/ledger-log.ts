import { strict as assert } from 'node:assert';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import type { Seams } from '../../core/component.ts';
import type { DiskFile } from '../../core/disk.ts';
import { ChannelError } from '../../core/errors.ts';
import { ChangeBuilder, Ledger, type LedgerChange } from '../../core/ledger.ts';
import type { Logger } from '../../core/log.ts';

/*
 * The ledger of a channel whose events are in memory: an append-only file of changes.
 *
 * Invariants
 *  1. The ledger on disk is never ahead of what it speaks of: a change is appended after the sink
 *  has
 *     written the data, so a crash loses changes, and what they covered is read and written again.
 *  2. A *mark* names a change up to which all sinks' data is durable. After a crash of the process
 *  the
 *     newest change counts (the kernel has kept data and ledger alike); after a power loss (another
 *     boot id) the newest marked one, since the kernel may have kept the ledger and lost the data.
 *  3. Saved changes (paths of files about to be created) are synced before the file is created.
 *  After
 *     a power loss they count beyond the mark too, where they bring a key that is new: the file
 *     they name may exist, and is to be cut to what the key says (nothing). So do streams and
 *     sources, which say nothing about data.
 *  4. Changes are numbered without gaps. One that can't be read is a torn tail, unless a later one
 *     says it had been synced: then it is damage, and the channel refuses to start.
 *
 * Layout: `ledger.<generation>`, text, one record per line: CRC-32 of the JSON as 8 hex digits, a
 * blank, the JSON.
 *   header   {"format":"millrace-ledger","version":1,"boot":…,"record":n}    first line; n: number
 *   of the snapshot change   {"record":n,"synced":m,"change":{…},"saved":true?}   the first change
 *   is a snapshot mark     {"record":n,"synced":m,"mark":k}           k: the change up to which
 *   data is durable
 * `synced` is the newest record known to be synced when this one was written.
 *
 * A new generation is written and synced beside the old one, renamed into place, the directory
 * synced, and only then the old one removed: at each start, when the file has grown, and after a
 * sync that failed (what such a file holds is unknown: it is never synced again).
 */

const formatVersion = 1;
/** A generation is replaced when it has grown to this, and to four times what it began with. */
const compactBytes = 4 << 20;
const newline = 10;

interface Header {
  readonly format: string;
  readonly version: number;
  readonly boot: string;
  readonly record: number;
}

interface LogRecord {
  readonly record: number;
  readonly synced: number;
  readonly change?: LedgerChange;
  readonly saved?: true;
  readonly mark?: number;
}

type Change = { readonly record: number; readonly change: LedgerChange; readonly saved: boolean };

export class LedgerLog {
  /** Everything that was appended. */
  readonly ledger = new Ledger();
  /** What is safe from a power loss: the ledger as of the newest mark. */
  readonly marked = new Ledger();

  readonly #directory: string;
  readonly #seams: Seams;
  readonly #log: Logger;
  #file: DiskFile | undefined;
  #generation = 0;
  /** Where the next record goes, in bytes. */
  #end = 0;
  #startBytes = 0;
  /** The number of the newest record that was written, and of the newest that was synced. */
  #record = 0;
  #synced = 0;
  /** Changes written, or kept for a generation to come, that no mark covers. */
  #unmarked: Change[] = [];
  /** Appended and not yet written. */
  #pending = new ChangeBuilder();
  /** The file must not be used any more: a sync of it failed. */
  #broken = false;
  /** File operations, one after the other. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(directory: string, seams: Seams, log: Logger) {
    this.#directory = directory;
    this.#seams = seams;
    this.#log = log;
  }

  /**
   * Reads what is there and begins a new generation.
   * @throws ChannelError when the ledger is damaged, or its format is newer than this program
   */
  async open(): Promise<void> {
    await this.#seams.disk.makeDirectory(this.#directory);
    const generations = await this.#generations();
    this.#generation = generations.at(-1) ?? 0;
    if (this.#generation > 0) await this.#read(this.#path(this.#generation));
    await this.#begin();
  }

  /** Adds a change; it reaches the disk with the next `write`, together with others. */
  append(change: LedgerChange): void {
    this.ledger.apply(change);
    this.#pending.add(change);
  }

  /** Is there anything that no mark covers? */
  get hasUnmarked(): boolean {
    return !this.#pending.empty || this.#unmarked.length > 0;
  }

  get hasUnwritten(): boolean {
    return !this.#pending.empty;
  }

  /** Hands everything appended to the kernel: from then on it survives the process. */
  write(): Promise<void> {
    return this.#inTurn(async () => {
      await this.#writePending();
      const grown = this.#end > compactBytes && this.#end > 4 * this.#startBytes;
      if (grown || this.#broken) await this.#begin();
    });
  }

  /** Adds a change and everything before it, and makes that durable. */
  save(change: LedgerChange): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#broken) await this.#begin();
      await this.#writePending();
      await this.#writeChange(change, true);
      this.ledger.apply(change);
      await this.#sync();
    });
  }

  /**
   * Has `syncData` make durable what the changes up to now speak of, then says so.
   * Whatever was appended meanwhile waits for the next mark.
   */
  async mark(syncData: () => Promise<void>): Promise<void> {
    const upTo = await this.#inTurn(async () => {
      if (this.#broken) await this.#begin();
      await this.#writePending();
      return this.#record;
    });
    await syncData();
    await this.#inTurn(async () => {
      // After a generation change the numbers are others: the next mark will do.
      if (this.#broken || upTo < this.#firstUnmarked) return;
      const record = this.#record + 1;
      await this.#writeLine({ record, synced: this.#synced, mark: upTo });
      await this.#sync();
      this.#advanceMark(upTo);
    });
  }

  /** Writes what is pending and closes the file. */
  async close(): Promise<void> {
    await this.#inTurn(async () => {
      if (!this.#file) return;
      await this.#writePending();
      await this.#file.close();
      this.#file = undefined;
    });
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => {});
    return result;
  }

  async #writePending(): Promise<void> {
    if (this.#pending.empty) return;
    const pending = this.#pending;
    this.#pending = new ChangeBuilder();
    try {
      await this.#writeChange(pending.build(), false);
    } catch (error) {
      // Written again, from the same position, together with what came meanwhile.
      pending.add(this.#pending.build());
      this.#pending = pending;
      throw error;
    }
  }

  async #writeChange(change: LedgerChange, saved: boolean): Promise<void> {
    const record = this.#record + 1;
    const line = { record, synced: this.#synced, change };
    await this.#writeLine(saved ? { ...line, saved } : line);
    this.#unmarked.push({ record, change, saved });
  }

  async #writeLine(line: LogRecord): Promise<void> {
    assert(this.#file, 'the ledger is open');
    const bytes = encodeLine(line);
    await this.#file.write([bytes], this.#end);
    this.#end += bytes.length;
    this.#record = line.record;
  }

  async #sync(): Promise<void> {
    assert(this.#file, 'the ledger is open');
    const record = this.#record;
    try {
      await this.#file.sync();
    } catch (error) {
      this.#broken = true;
      throw new ChannelError(`sync of ${this.#path(this.#generation)} failed`, { cause: error });
    }
    this.#synced = record;
  }

  get #firstUnmarked(): number {
    return this.#unmarked[0]?.record ?? 0;
  }

  #advanceMark(upTo: number): void {
    const covered = this.#unmarked.filter(({ record }) => record <= upTo);
    for (const { change } of covered) this.marked.apply(change);
    this.#unmarked = this.#unmarked.slice(covered.length);
  }

  /** Begins a generation: the marked ledger as a snapshot, then what no mark covers. */
  async #begin(): Promise<void> {
    const { disk } = this.#seams;
    const old = this.#generation;
    const path = this.#path(old + 1);
    const header: Header = {
      format: 'millrace-ledger',
      version: formatVersion,
      boot: await disk.bootId(),
      record: this.#record + 1,
    };
    let record = this.#record + 1;
    const lines: (Header | LogRecord)[] = [
      header,
      { record, synced: 0, change: this.marked.snapshot() },
      { record: ++record, synced: 0, mark: record - 1 },
    ];
    // What no mark comes to cover must not grow without end.
    const unmarked = merged(this.#unmarked).map((each) => ({ ...each, record: ++record }));
    for (const { record, change, saved } of unmarked) {
      lines.push({ record, synced: 0, change, ...(saved ? { saved } : {}) });
    }
    const bytes = Buffer.concat(lines.map(encodeLine));
    const file = await disk.open(`${path}.tmp`, 'w');
    try {
      await file.write([bytes], 0);
      await file.sync();
      // From here on the new file may be the one that counts: if this fails, nothing goes into the
      // old one any more.
      this.#broken = true;
      await disk.rename(`${path}.tmp`, path);
      await disk.syncDirectory(this.#directory);
    } catch (error) {
      await file.close();
      throw new ChannelError(`begin ${path}`, { cause: error });
    }
    await this.#file?.close();
    this.#file = file;
    this.#generation = old + 1;
    this.#end = this.#startBytes = bytes.length;
    this.#record = this.#synced = record;
    this.#unmarked = unmarked;
    this.#broken = false;
    for (const generation of await this.#generations()) {
      if (generation <= old) await disk.unlink(this.#path(generation));
    }
  }

  async #read(path: string): Promise<void> {
    const { header, records, torn } = decodeLog(await this.#seams.disk.readFile(path), path);
    if (torn) this.#log.warn({ path, offset: torn.offset }, 'Cut an unfinished ledger record.');
    this.#record = records.at(-1)?.record ?? header.record;
    const mark = records.reduce((newest, { mark }) => Math.max(newest, mark ?? 0), 0);
    const powerLost = header.boot !== (await this.#seams.disk.bootId());
    for (const { record, change, saved = false } of records) {
      if (!change) continue;
      if (record <= mark) this.marked.apply(change);
      else if (powerLost) this.marked.apply(withoutData(change, saved, this.marked));
      else this.#unmarked.push({ record, change, saved });
    }
    this.ledger.apply(this.marked.snapshot());
    for (const { change } of this.#unmarked) this.ledger.apply(change);
    if (powerLost) this.#log.warn({ path, mark }, 'Power was lost: went back to the newest mark.');
  }

  async #generations(): Promise<number[]> {
    const names = await this.#seams.disk.readDirectory(this.#directory);
    const found = names.flatMap((name) => /^ledger\.(\d+)$/.exec(name)?.[1] ?? []);
    return found.map(Number).sort((a, b) => a - b);
  }

  #path(generation: number): string {
    return join(this.#directory, `ledger.${generation}`);
  }
}

/** The same changes with those that follow each other made one; saved ones stay as they are. */
function merged(changes: readonly Change[]): Change[] {
  const result: Change[] = [];
  let builder = new ChangeBuilder();
  const finish = (record: number) => {
    if (!builder.empty) result.push({ record, change: builder.build(), saved: false });
    builder = new ChangeBuilder();
  };
  for (const { record, change, saved } of changes) {
    if (saved) {
      finish(record);
      result.push({ record, change, saved });
    } else builder.add(change);
  }
  finish(changes.at(-1)?.record ?? 0);
  return result;
}

/** What of a change beyond the mark holds after a power loss: see invariant 3. */
function withoutData(change: LedgerChange, saved: boolean, marked: Ledger): LedgerChange {
  const { sources = [], streams = {}, sinks = {} } = change;
  if (!saved) return { sources, streams };
  const paths = Object.entries(sinks).map(([sink, { set = {} }]) => {
    const known = marked.sinkState(sink);
    return [sink, { set: Object.fromEntries(Object.entries(set).filter(([k]) => !known.has(k))) }];
  });
  return { sources, streams, sinks: Object.fromEntries(paths) };
}

function encodeLine(line: Header | LogRecord): Buffer {
  const json = Buffer.from(JSON.stringify(line));
  return Buffer.from(`${checksum(json)} ${json}\n`);
}

function checksum(json: Buffer): string {
  return crc32(json).toString(16).padStart(8, '0');
}

interface Decoded {
  readonly header: Header;
  readonly records: readonly LogRecord[];
  /** Where an unfinished end was cut off. */
  readonly torn: { readonly offset: number } | undefined;
}

/** @throws ChannelError when something that had been synced can't be read */
function decodeLog(bytes: Buffer, path: string): Decoded {
  const damaged = (offset: number) =>
    new ChannelError(
      `${path} is damaged at byte ${offset}: what it says of files being written is lost. ` +
        'Move it away to start without it; sources then go by their position files',
    );
  let header: Header | undefined;
  const records: LogRecord[] = [];
  let torn: { offset: number } | undefined;
  for (let offset = 0; offset < bytes.length; ) {
    const found = bytes.indexOf(newline, offset);
    const end = found < 0 ? bytes.length : found;
    const value = found < 0 ? undefined : decodeLine(bytes.subarray(offset, end));
    // What was torn has another checksum: somebody wrote this, and it was not this program.
    if (value === 'nonsense') throw damaged(offset);
    if (!header) {
      if (!value || !('format' in value)) throw damaged(offset);
      if (value.version !== formatVersion) throw newer(path, value.version);
      header = value;
    } else if (
      !torn &&
      value &&
      'synced' in value &&
      value.record === header.record + records.length
    ) {
      records.push(value);
    } else {
      torn ??= { offset };
      // A later record is the witness that what can't be read had been synced.
      if (value && 'synced' in value && value.synced >= header.record + records.length) {
        throw damaged(torn.offset);
      }
    }
    offset = end + 1;
  }
  if (!header || records.length === 0) throw damaged(0);
  return { header, records, torn };
}

function newer(path: string, version: number): ChannelError {
  return new ChannelError(
    `${path} has format version ${version}, and this program reads ${formatVersion}: ` +
      'go back to the newer program, or move the file away to start without it',
  );
}

/** `undefined`: its checksum is another one. */
function decodeLine(line: Buffer): Header | LogRecord | 'nonsense' | undefined {
  const json = line.subarray(9);
  if (line.toString('latin1', 0, 9) !== `${checksum(json)} `) return undefined;
  try {
    const value: unknown = JSON.parse(json.toString());
    return isHeader(value) || isRecord(value) ? value : 'nonsense';
  } catch {
    return 'nonsense';
  }
}

type Parsed<T> = Partial<Record<keyof T, unknown>>;

/** Of a newer version, what follows the version may be different. */
function isHeader(value: unknown): value is Header {
  if (!isObject(value)) return false;
  const { format, version, boot, record }: Parsed<Header> = value;
  if (format !== 'millrace-ledger' || !isCount(version)) return false;
  return version !== formatVersion || (typeof boot === 'string' && isCount(record));
}

function isRecord(value: unknown): value is LogRecord {
  if (!isObject(value)) return false;
  const { record, synced, change, saved, mark }: Parsed<LogRecord> = value;
  if (!isCount(record) || !isCount(synced) || (saved !== undefined && saved !== true)) return false;
  return mark === undefined ? isChange(change) : change === undefined && isCount(mark);
}

function isChange(value: unknown): value is LedgerChange {
  if (!isObject(value)) return false;
  const {
    sources = [],
    streams = {},
    done = {},
    retired = [],
    sinks = {},
  }: Parsed<LedgerChange> = value;
  const isStream = (stream: unknown) =>
    isObject(stream) && 'identity' in stream && isCount(stream['first']);
  const isRange = (range: unknown) => isList(range, isCount) && range.length === 2;
  const isDelta = (delta: unknown) => {
    if (!isObject(delta)) return false;
    const { set = {}, delete: gone = [] } = delta;
    return isObject(set) && isList(gone, isText);
  };
  return (
    isList(sources, isText) &&
    isTable(streams, isStream) &&
    isTable(done, (ranges) => isList(ranges, isRange)) &&
    isList(retired, isText) &&
    isTable(sinks, isDelta)
  );
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isTable(value: unknown, isValue: (each: unknown) => boolean): boolean {
  return isObject(value) && Object.values(value).every(isValue);
}

function isList(value: unknown, isItem: (each: unknown) => boolean): value is readonly unknown[] {
  return Array.isArray(value) && value.every(isItem);
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
