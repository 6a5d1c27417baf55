import { closeSync } from 'node:fs';
import { SocketAddress } from 'node:net';
import { constants, networkInterfaces } from 'node:os';
import { getSystemErrorName } from 'node:util';

/** @param datagram a view that is good for the call only */
export type TakeDatagram = (datagram: Buffer, address: string, port: number) => void;

type LibraryOfC = ReturnType<typeof libraryOfC>;
type Koffi = typeof import('koffi').default;

/** Datagrams per call of the system. */
const maxDatagrams = 64;
/** What log lines have room in lies side by side, so that it stays in the processor's caches. */
const headBytes = 2_048;
/** The rest of a longer one: memory that is touched for those only. */
const tailBytes = 65_536 - headBytes;
/** `struct mmsghdr`, `iovec` and `sockaddr_in6` of 64-bit Linux (recvmmsg(2), ipv6(7)). */
const headerBytes = 64;
const headerWords = headerBytes / 4;
const pieceBytes = 16;
const addressBytes = 28;
/** In `struct mmsghdr`, in words of 32 bits. */
const lengthWord = 14;
/** Of fcntl(2): `F_DUPFD_CLOEXEC`. */
const duplicateWithoutChildren = 1_030;
/** Of setsockopt(2): `SOL_SOCKET`, `SO_RCVBUFFORCE`. */
const [socketLevel, forceReceiveBuffer] = [1, 33];
/** `MSG_DONTWAIT` */
const dontWait = 0x40;
/** `AF_INET6` */
const familyIPv6 = 10;
/** Senders whose address is remembered as text. */
const maxKnown = 4_096;

/**
 * Reads the datagrams of a socket, up to 64 with one call of the system (recvmmsg(2)), where Node
 * reads one, with some microseconds of its own for each. Through the optional package `koffi`.
 */
export class ManyDatagrams {
  /** Another descriptor of the socket. */
  readonly #fd: number;
  readonly #koffi: Koffi;
  readonly #c: LibraryOfC;
  readonly #heads = Buffer.alloc(maxDatagrams * headBytes);
  readonly #tails = Buffer.alloc(maxDatagrams * tailBytes);
  readonly #addresses = Buffer.alloc(maxDatagrams * addressBytes);
  readonly #pieces = Buffer.alloc(maxDatagrams * 2 * pieceBytes);
  readonly #headers = new Uint32Array(maxDatagrams * headerWords);
  readonly #known = new Map<number, string>();

  private constructor(fd: number, koffi: Koffi, c: LibraryOfC) {
    this.#koffi = koffi;
    this.#c = c;
    this.#fd = this.#duplicate(fd);
    this.#pointAtMemory();
  }

  /**
   * Takes another descriptor of a socket, which stays open without the first.
   *
   * @returns absent where the system or an absent `koffi` does not allow it
   */
  static async open(fd: number): Promise<ManyDatagrams | undefined> {
    if (process.platform !== 'linux' || !['x64', 'arm64'].includes(process.arch)) return undefined;
    let koffi: Koffi;
    let c: LibraryOfC;
    try {
      koffi = (await import('koffi')).default;
      c = libraryOfC(koffi);
    } catch {
      return undefined;
    }
    return new ManyDatagrams(fd, koffi, c);
  }

  /** What the kernel may keep for us, beyond `net.core.rmem_max`; false: only root may have it. */
  forceReceiveBuffer(bytes: number): boolean {
    const size = Buffer.alloc(4);
    size.writeInt32LE(bytes);
    const { length } = size;
    return this.#c.setsockopt(this.#fd, socketLevel, forceReceiveBuffer, size, length) === 0;
  }

  /** A descriptor of the socket, of which the caller disposes. */
  descriptor(): number {
    return this.#duplicate(this.#fd);
  }

  /**
   * Takes what has come, up to 64 datagrams; gives their number.
   *
   * @throws the system's error, but not when there is nothing
   */
  receive(take: TakeDatagram): number {
    const count = this.#c.recvmmsg(this.#fd, this.#headers, maxDatagrams, dontWait, null);
    if (count < 0) return this.#none();
    for (let row = 0; row < count; row++) {
      const length = this.#headers[row * headerWords + lengthWord] as number;
      const at = row * addressBytes;
      take(this.#datagram(row, length), this.#addressAt(at), this.#addresses.readUInt16BE(at + 2));
    }
    return count;
  }

  close(): void {
    closeSync(this.#fd);
  }

  #datagram(row: number, length: number): Buffer {
    const start = row * headBytes;
    if (length <= headBytes) return this.#heads.subarray(start, start + length);
    const tail = row * tailBytes;
    return Buffer.concat([
      this.#heads.subarray(start, start + headBytes),
      this.#tails.subarray(tail, tail + length - headBytes),
    ]);
  }

  /** An IPv4 address also where it comes to a socket for both. */
  #addressAt(at: number): string {
    const bytes = this.#addresses;
    if (bytes.readUInt16LE(at) !== familyIPv6) return this.#ipv4(bytes.readUInt32BE(at + 4));
    const isMapped =
      bytes.readUInt32BE(at + 16) === 0xffff &&
      bytes.readUInt32BE(at + 8) === 0 &&
      bytes.readUInt32BE(at + 12) === 0;
    if (isMapped) return this.#ipv4(bytes.readUInt32BE(at + 20));
    return ipv6(bytes.subarray(at + 8, at + 24), bytes.readUInt32LE(at + 24));
  }

  #ipv4(number: number): string {
    const known = this.#known.get(number);
    if (known !== undefined) return known;
    if (this.#known.size >= maxKnown) this.#known.clear();
    const text = [number >>> 24, (number >>> 16) & 255, (number >>> 8) & 255, number & 255].join(
      '.',
    );
    this.#known.set(number, text);
    return text;
  }

  #duplicate(fd: number): number {
    const duplicate = this.#c.fcntl(fd, duplicateWithoutChildren, 'int', 0);
    if (duplicate < 0) throw this.#error('fcntl');
    return duplicate;
  }

  #none(): number {
    const { EAGAIN, EINTR } = constants.errno;
    const number = this.#koffi.errno();
    if (number !== EAGAIN && number !== EINTR) throw this.#error('recvmmsg');
    return 0;
  }

  #error(call: string): Error {
    const code = getSystemErrorName(-this.#koffi.errno());
    return Object.assign(new Error(`${call} ${code}`), { code, syscall: call });
  }

  /** The memory never moves, and lives as long as this object. */
  #pointAtMemory(): void {
    const headers = new DataView(this.#headers.buffer);
    const [heads, tails, addresses, pieces] = [
      this.#heads,
      this.#tails,
      this.#addresses,
      this.#pieces,
    ].map((memory) => this.#koffi.address(memory)) as [bigint, bigint, bigint, bigint];
    for (let row = 0; row < maxDatagrams; row++) {
      const piece = row * 2 * pieceBytes;
      this.#pieces.writeBigUInt64LE(heads + BigInt(row * headBytes), piece);
      this.#pieces.writeBigUInt64LE(BigInt(headBytes), piece + 8);
      this.#pieces.writeBigUInt64LE(tails + BigInt(row * tailBytes), piece + 16);
      this.#pieces.writeBigUInt64LE(BigInt(tailBytes), piece + 24);
      const header = row * headerBytes;
      headers.setBigUint64(header, addresses + BigInt(row * addressBytes), true);
      headers.setUint32(header + 8, addressBytes, true);
      headers.setBigUint64(header + 16, pieces + BigInt(piece), true);
      headers.setBigUint64(header + 24, 2n, true);
    }
  }
}

function libraryOfC(koffi: Koffi) {
  const library = koffi.load(null);
  return {
    recvmmsg: library.func(
      'int recvmmsg(int socket, void *headers, unsigned int count, int flags, void *timeout)',
    ),
    setsockopt: library.func(
      'int setsockopt(int socket, int level, int option, void *value, unsigned int length)',
    ),
    fcntl: library.func('int fcntl(int fd, int command, ...)'),
  };
}

/** As Node has it: the shortest form, with the interface of an address that is good there only. */
function ipv6(bytes: Buffer, scope: number): string {
  const words = bytes.toString('hex').match(/.{4}/g) ?? [];
  const { address } = new SocketAddress({ address: words.join(':'), family: 'ipv6' });
  if (scope === 0) return address;
  const name = Object.entries(networkInterfaces()).find(([, addresses]) =>
    addresses?.some((each) => each.family === 'IPv6' && each.scopeid === scope),
  )?.[0];
  return `${address}%${name ?? scope}`;
}
