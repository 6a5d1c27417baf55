import type { Disk } from '../core/disk.ts';

/** The tables of UDP sockets (Linux, proc(5)): one line each, the drops in the last column. */
const tables = ['/proc/net/udp', '/proc/net/udp6'];

/** How many datagrams for a local port the kernel has dropped; 0 where it does not tell. */
export async function kernelDrops(disk: Disk, port: number): Promise<number> {
  let drops = 0;
  for (const table of tables) {
    let text: string;
    try {
      text = (await disk.readFile(table)).toString('latin1');
    } catch {
      continue;
    }
    for (const line of text.split('\n').slice(1)) {
      const words = line.trim().split(/\s+/);
      const local = words[1]?.split(':').at(-1);
      if (local !== undefined && Number.parseInt(local, 16) === port) {
        drops += Number(words.at(-1) ?? 0);
      }
    }
  }
  return drops;
}
