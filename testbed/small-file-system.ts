/**
 * A real file system of some megabytes, for tests of what a full or failing disk does to an agent:
 * ext4 in an image file, on a loop device. Linux only, and only for the superuser.
 */
import { spawnSync } from 'node:child_process';
import {
  accessSync,
  closeSync,
  constants,
  fsyncSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statfsSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { FlowFolder } from './flow-folder.ts';

const megabyte = 1 << 20;
/** ext4 with a journal needs about this much. */
const probeBytes = 8 * megabyte;
/** How e2fsck ends when the file system is sound, or is sound now. */
const repairedCodes = [0, 1, 2];

export interface SmallFileSystemOptions {
  readonly bytes: number;
  /** About how many files it can have; default: as many as ever fit. */
  readonly files?: number;
}

const mounted = new Set<SmallFileSystem>();
process.on('exit', () => {
  for (const each of mounted) each.unmountLazily();
});

/**
 * Why no such file system can be had here, as one line for the `skip` of a test; `false` when one
 * can, and can be made to fail.
 */
export function smallFileSystemMissing(): string | false {
  if (process.platform !== 'linux') return 'needs Linux';
  if (process.getuid?.() !== 0) return 'needs the superuser, to mount a small file system';
  for (const command of ['mkfs.ext4', 'e2fsck', 'mount', 'umount']) {
    if (spawnSync(command, ['-V']).error) return `needs ${command}`;
  }
  const folder = mkdtempSync(join(tmpdir(), 'millrace-probe-'));
  try {
    const probe = new SmallFileSystem(folder, { bytes: probeBytes });
    try {
      accessSync(probe.errorTrigger, constants.W_OK);
    } finally {
      probe.unmount();
    }
    return false;
  } catch (error) {
    const [why] = String(error).split('\n');
    return `needs a small file system that can be mounted, and made to fail: ${why}`;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export class SmallFileSystem {
  /** The folder that it is mounted on. */
  readonly path: string;
  readonly #image: string;

  /** There until the flow's folder is removed. */
  static in(flow: FlowFolder, options: SmallFileSystemOptions): SmallFileSystem {
    const made = new SmallFileSystem(flow.folder('small'), options);
    // Also after a failure, once the agents are gone; else the mounted files would be removed.
    flow.beforeRemoval(() => made.unmountLazily());
    return made;
  }

  /** @throws when it can't be made or mounted */
  constructor(folder: string, { bytes, files }: SmallFileSystemOptions) {
    this.#image = join(folder, 'image');
    this.path = join(folder, 'mounted');
    mkdirSync(this.path);
    writeFileSync(this.#image, '');
    truncateSync(this.#image, bytes);
    // No blocks are kept for the superuser, who runs the agents here.
    const limits = ['-m', '0', ...(files === undefined ? [] : ['-N', String(files)])];
    run('mkfs.ext4', ['-q', '-F', ...limits, this.#image]);
    this.mount();
  }

  /** The kernel's file that makes the file system fail. */
  get errorTrigger(): string {
    return join('/sys/fs/ext4', basename(this.#device()), 'trigger_fs_error');
  }

  get freeBytes(): number {
    const { bavail, bsize } = statfsSync(this.path);
    return bavail * bsize;
  }

  /** Makes a folder in it, durably, and gives its path. */
  folder(name: string): string {
    const path = join(this.path, name);
    mkdirSync(path);
    const parent = openSync(this.path, 'r');
    fsyncSync(parent);
    closeSync(parent);
    return path;
  }

  /** Someone else's file that leaves so many bytes free. @returns what removes it */
  fillUp(left: number): () => void {
    const path = join(this.path, 'ballast');
    const file = openSync(path, 'w');
    const zeros = Buffer.alloc(64 << 10);
    try {
      for (let over = this.freeBytes - left; over > 0; over = this.freeBytes - left) {
        writeSync(file, zeros, 0, Math.min(zeros.length, over));
      }
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    return () => rmSync(path);
  }

  /** Someone else's empty files, as many as there can be. @returns what removes them */
  fillWithFiles(): () => void {
    const folder = this.folder('empty');
    for (let count = 0; ; count++) {
      try {
        writeFileSync(join(folder, String(count)), '');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
        return () => rmSync(folder, { recursive: true });
      }
    }
  }

  /**
   * Fails as after damage that the kernel has come upon: nothing can be written from then on, and
   * what was not durable is lost.
   */
  fail(): void {
    writeFileSync(this.errorTrigger, '1');
  }

  /** What an administrator does after a failure. @throws while anything in it is open */
  repair(): void {
    this.unmount();
    run('e2fsck', ['-fy', this.#image], repairedCodes);
    this.mount();
  }

  mount(): void {
    run('mount', ['-t', 'ext4', '-o', 'loop,errors=remount-ro', this.#image, this.path]);
    mounted.add(this);
  }

  /** @throws while anything in it is open */
  unmount(): void {
    run('umount', [this.path]);
    mounted.delete(this);
  }

  /** For the end: whoever still has something in it open keeps that. */
  unmountLazily(): void {
    if (mounted.delete(this)) run('umount', ['-l', this.path]);
  }

  #device(): string {
    const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n');
    const line = mounts.find((each) => each.split(' ')[1] === this.path);
    if (!line) throw new Error(`${this.path} is not mounted`);
    return line.split(' ')[0] ?? '';
  }
}

function run(command: string, args: readonly string[], codes: readonly number[] = [0]): void {
  const { status, stderr, error } = spawnSync(command, args, { encoding: 'utf8' });
  if (error) throw error;
  if (status !== null && codes.includes(status)) return;
  throw new Error(`${command} ${args.join(' ')}: ${stderr.trim() || `ended with ${status}`}`);
}
