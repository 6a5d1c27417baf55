import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** What the file of a command exports. */
export interface Command {
  /** The whole help text. */
  readonly help: string;
  /** @returns the exit code */
  run(args: readonly string[]): Promise<number>;
}

/** The exit codes, as every command has them. */
export const exitCodes = { ok: 0, failed: 1, configuration: 2 } as const;

export const exitCodesHelp = `Exit codes
  0  done; for agent: stopped in order
  1  it failed, or had to stop by itself
  2  the command line or the configuration is wrong`;

interface PackageFile {
  readonly name: string;
  readonly version: string;
}

/** The directory of this package, whether it runs from sources or built. */
export function packageRoot(): string {
  let directory = import.meta.dirname;
  for (;;) {
    if (readPackage(directory)) return directory;
    const parent = dirname(directory);
    if (parent === directory) throw new Error('the package.json of millrace is missing');
    directory = parent;
  }
}

export function packageVersion(): string {
  return readPackage(packageRoot())?.version ?? 'unknown';
}

function readPackage(directory: string): PackageFile | undefined {
  try {
    const found: PackageFile = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
    return found.name === 'millrace' ? found : undefined;
  } catch {
    return undefined;
  }
}
