import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Configuration, loadConfiguration } from '../config/load.ts';
import { FormatError } from '../core/errors.ts';

/** The configuration can't be read at all; the message says which file, and why. */
export class UnreadableConfiguration extends Error {}

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
  const context = { environment: process.env, systemProperties, now: new Date() };
  try {
    return { configuration: loadConfiguration(loaded, context), contents };
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw new UnreadableConfiguration(error.message, { cause: error });
  }
}

function readConfigurationFile(file: string): Buffer {
  if (/\.(json|ya?ml|xml)$/i.test(file)) {
    throw new UnreadableConfiguration(`${file}: only .properties files can be read, as in Flume`);
  }
  try {
    return readFileSync(file);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    const why = code === 'ENOENT' ? 'there is no such file' : String(error);
    throw new UnreadableConfiguration(`${file}: ${why}`, { cause: error });
  }
}

/** Custom components are named relative to the first file. */
export function baseDirectoryOf(files: readonly string[]): string {
  return dirname(files[0] ?? '.');
}
