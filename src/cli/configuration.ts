import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Place } from '../config/finding.ts';
import { type Configuration, loadConfiguration } from '../config/load.ts';
import { setSystemProperties } from '../config/system-properties.ts';
import { FormatError } from '../core/errors.ts';

/** The configuration can't be read at all; the message says which file, and why. */
export class UnreadableConfiguration extends Error {
  readonly place: Place;
  /** What to do: a sentence. */
  readonly suggestion: string;
  /** What was read of the files. */
  readonly contents: ReadonlyMap<string, Buffer>;

  constructor(
    message: string,
    place: Place,
    suggestion: string,
    contents: ReadonlyMap<string, Buffer> = new Map(),
  ) {
    super(message);
    this.place = place;
    this.suggestion = suggestion;
    this.contents = contents;
  }
}

/**
 * Reads configuration files in the order of the command line.
 *
 * @throws UnreadableConfiguration
 */
export function readConfiguration(
  files: readonly string[],
  systemProperties: ReadonlyMap<string, string>,
): { configuration: Configuration; contents: ReadonlyMap<string, Buffer> } {
  const contents = new Map(files.map((file) => [file, readConfigurationFile(file)]));
  const loaded = files.map((file) => ({ file, bytes: contents.get(file) ?? Buffer.alloc(0) }));
  setSystemProperties(systemProperties);
  const context = { environment: process.env, systemProperties, now: new Date() };
  try {
    return { configuration: loadConfiguration(loaded, context), contents };
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    const file = files.find((each) => error.message.startsWith(`${each}:`));
    const place = file === undefined ? {} : badEscape(file, contents.get(file), error.offset);
    const suggestion = 'Write \\uXXXX with four digits of 0-9 and a-f, or two backslashes.';
    throw new UnreadableConfiguration(error.message, place, suggestion, contents);
  }
}

/** Where the \\u is whose digits are missing, in the line that begins at an offset. */
function badEscape(file: string, bytes: Buffer | undefined, offset: number): Place {
  const text = bytes?.toString('latin1') ?? '';
  const found = text.slice(offset).search(/(?<!\\)(\\\\)*\\u(?![0-9A-Fa-f]{4})/);
  const before = text.slice(0, offset + Math.max(0, found)).split(/\r\n|\r|\n/);
  const column = (before.at(-1)?.length ?? 0) + 1;
  return { file, line: before.length, column, length: 2 };
}

function readConfigurationFile(file: string): Buffer {
  if (/\.(json|ya?ml|xml)$/i.test(file)) {
    const what = `${file}: only .properties files can be read, as in Flume`;
    throw new UnreadableConfiguration(what, { file }, 'Write it as a .properties file.');
  }
  const bytes = readBytes(file);
  if (/^(\xff\xfe|\xfe\xff)/.test(bytes.toString('latin1', 0, 2))) {
    const what = `${file}: it is in UTF-16, and a .properties file is in ISO-8859-1`;
    throw new UnreadableConfiguration(what, { file }, 'Save it as plain text: ASCII or UTF-8.');
  }
  return bytes;
}

function readBytes(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    const why = code === 'ENOENT' ? 'there is no such file' : String(error);
    const what = `${file}: ${why}`;
    throw new UnreadableConfiguration(what, { file }, 'Give the path of a file that can be read.');
  }
}

/** Custom components are named relative to the first file. */
export function baseDirectoryOf(files: readonly string[]): string {
  return dirname(files[0] ?? '.');
}
