/** A file channel of this machine's disk, without an agent around it, and its syncs counted. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { fileChannel } from '../src/channels/file.ts';
import type { Channel } from '../src/core/channel.ts';
import { systemClock } from '../src/core/clock.ts';
import type { DiskFile } from '../src/core/disk.ts';
import { silentLogger } from '../src/core/log.ts';
import { ChannelCounters } from '../src/core/metrics.ts';
import { NodeDisk } from '../src/core/node-disk.ts';
import { configOf } from '../src/testing/config-of.ts';

export interface CountedChannel {
  readonly channel: Channel;
  /** Syncs so far: of files and of directories, whatever for. */
  readonly syncs: () => number;
}

/** Not started yet. Everything it keeps lies below `folder`; with a key file it is encrypted. */
export function createFileChannel(folder: string, keyFile?: string): CountedChannel {
  const disk = new CountingDisk();
  const config = configOf(fileChannel.fields, {
    checkpointDir: join(folder, 'checkpoint'),
    dataDirs: join(folder, 'data'),
    capacity: '1000000000',
    ...(keyFile && { 'encryption.keyFile': keyFile }),
  });
  const channel = fileChannel.create(config, {
    agent: 'a1',
    name: 'c1',
    log: { ...silentLogger, error: console.error, warn: console.error },
    clock: systemClock,
    disk,
    random: { next: Math.random, bytes: randomBytes },
    stateDirectory: join(folder, 'state'),
    counters: new ChannelCounters(),
  });
  return { channel, syncs: () => disk.syncs };
}

class CountingDisk extends NodeDisk {
  syncs = 0;

  override async open(path: string, flags: 'r' | 'r+' | 'w' | 'wx'): Promise<DiskFile> {
    const file = await super.open(path, flags);
    const { sync } = file;
    file.sync = () => {
      this.syncs++;
      return sync.call(file);
    };
    return file;
  }

  override syncDirectory(path: string): Promise<void> {
    this.syncs++;
    return super.syncDirectory(path);
  }
}
