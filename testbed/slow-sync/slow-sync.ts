/**
 * Makes every sync of an agent slow, as on a busy or a failing disk: a small library in C between
 * the agent and its system, built by the local compiler.
 */
import { spawnSync } from 'node:child_process';
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FlowFolder } from '../flow-folder.ts';

/** Why it can't be had here, as one line for the `skip` of a test; `false` when it can. */
export function slowSyncMissing(): string | false {
  if (process.platform !== 'linux') return 'needs Linux, for LD_PRELOAD';
  return spawnSync('cc', ['--version']).status === 0 ? false : 'needs a C compiler (cc)';
}

export class SlowSync {
  /** What the agent must be started with. */
  readonly env: Readonly<Record<string, string>>;
  readonly #delay: string;
  readonly #count: string;

  /** Builds the library in the flow's folder. @throws what the compiler says */
  constructor(flow: FlowFolder) {
    const folder = flow.folder('slow-sync');
    const library = join(folder, 'slow-sync.so');
    const source = join(import.meta.dirname, 'slow-sync.c');
    const args = ['-shared', '-fPIC', '-O2', '-Wall', '-Wextra', '-Werror', '-o', library, source];
    const { status, stderr } = spawnSync('cc', [...args, '-ldl'], { encoding: 'utf8' });
    if (status !== 0) throw new Error(`cc ${source}: ${stderr}`);
    this.#delay = join(folder, 'milliseconds');
    this.#count = join(folder, 'count');
    writeFileSync(this.#count, '');
    this.delayMs = 0;
    this.env = {
      LD_PRELOAD: library,
      SLOW_SYNC_MS: this.#delay,
      SLOW_SYNC_COUNT: this.#count,
    };
  }

  /** How much longer each sync takes that begins from now on. */
  set delayMs(ms: number) {
    writeFileSync(this.#delay, String(ms));
  }

  /** Syncs begun so far, of files and directories. */
  get count(): number {
    return statSync(this.#count).size;
  }
}
