import { readdir, readlink } from 'node:fs/promises';
import { isIPv6, SocketAddress } from 'node:net';
import { endianness } from 'node:os';
import type { Disk } from '../core/disk.ts';

/** The tables of UDP sockets (Linux, proc(5)): inode and drops in columns 10 and 13. */
const tables = ['/proc/net/udp', '/proc/net/udp6'];
/** The descriptors of this process, as links. */
const descriptors = '/proc/self/fd';

interface Row {
  /** What `/proc/self/fd` calls the socket: `socket:[4711]`. */
  readonly inode: string;
  readonly drops: number;
}

/** How many datagrams for a socket the kernel has dropped; 0 where it does not tell. */
export async function kernelDrops(disk: Disk, address: string, port: number): Promise<number> {
  const rows = await rowsOf(disk, address, port);
  return rows.reduce((sum, { drops }) => sum + drops, 0);
}

/** The descriptor of this process's socket with that address and port, where it is found. */
export async function descriptorOf(
  disk: Disk,
  address: string,
  port: number,
): Promise<number | undefined> {
  const [row, another] = await rowsOf(disk, address, port);
  if (!row || another) return undefined;
  for (const name of await readdir(descriptors)) {
    // One of them was of this very reading of the directory.
    const target = await readlink(`${descriptors}/${name}`).catch(() => undefined);
    if (target === `socket:[${row.inode}]`) return Number(name);
  }
  return undefined;
}

async function rowsOf(disk: Disk, address: string, port: number): Promise<Row[]> {
  const own = `${addressInTable(address)}:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const rows: Row[] = [];
  for (const table of tables) {
    let text: string;
    try {
      text = (await disk.readFile(table)).toString('latin1');
    } catch {
      continue;
    }
    for (const line of text.split('\n')) {
      const words = line.trim().split(/\s+/);
      if (words[1] === own) rows.push({ inode: words[9] ?? '', drops: Number(words.at(-1)) });
    }
  }
  return rows;
}

/** As the table has it: the address's 32-bit words, each as the machine stores it. */
function addressInTable(address: string): string {
  const bytes = isIPv6(address)
    ? bytesOfIPv6(address)
    : Buffer.from(address.split('.').map(Number));
  return (endianness() === 'LE' ? bytes.swap32() : bytes).toString('hex').toUpperCase();
}

function bytesOfIPv6(address: string): Buffer {
  const [plain = ''] = address.split('%');
  const spelled = new SocketAddress({ address: plain, family: 'ipv6' }).address;
  const mapped = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(spelled);
  const hex = (high = '', low = '') => (Number(high) * 256 + Number(low)).toString(16);
  const words = mapped
    ? `${mapped[1]}${hex(mapped[2], mapped[3])}:${hex(mapped[4], mapped[5])}`
    : spelled;
  const [before = '', after] = words.split('::');
  const left = before.split(':').filter(Boolean);
  const right = (after ?? '').split(':').filter(Boolean);
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => '0');
  const all = after === undefined ? left : [...left, ...zeros, ...right];
  return Buffer.from(all.map((word) => word.padStart(4, '0')).join(''), 'hex');
}
