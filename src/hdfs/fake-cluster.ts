import { createServer, type Server, type Socket } from 'node:net';
import { integer, message, repeated, required, zigzag } from '../bytes/protobuf.ts';
import { Checksums } from './checksums.ts';
import * as calls from './client-protocol.ts';
import { datanodeInfoProto, type LocatedBlock } from './common-messages.ts';
import { type Answer, FakeRpcServer, type ReceivedCall } from './fake-rpc-server.ts';
import { decodePacketHeader, decodePacketLengths, packetLengthBytes } from './packets.ts';
import { blockOpResponseProto, delimited, writeBlock } from './transfer-protocol.ts';

const ackProto = message('PipelineAckProto', {
  seqno: required(1, zigzag),
  reply: repeated(2, integer),
});
const operationBytes = 3;

/** What a DataNode does with the next packet. */
export type Reply = 'ack' | 'silence' | 'cut' | number;

/** A DataNode that keeps what it gets in memory; a test says how it answers. */
class FakeDatanode {
  /** By block id. */
  readonly blocks = new Map<bigint, Buffer>();
  readonly finalized = new Set<bigint>();
  readonly stages: number[] = [];
  packets = 0;
  syncs = 0;
  reply: (packet: number) => Reply = () => 'ack';
  /** The status that the next pipelines get. */
  setups: number[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor() {
    this.#server = createServer({ noDelay: true }, (socket) => this.#serve(socket));
  }

  static async start(): Promise<FakeDatanode> {
    const fake = new FakeDatanode();
    await new Promise<void>((resolve) => fake.#server.listen(0, '127.0.0.1', resolve));
    return fake;
  }

  /** As the NameNode names it. */
  get info(): Buffer {
    const address = this.#server.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const id = { ipAddr: '127.0.0.1', hostName: 'localhost', datanodeUuid: `u${port}` };
    return datanodeInfoProto.encode({ id: { ...id, xferPort: port, infoPort: 1, ipcPort: 1 } });
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => this.#sockets.delete(socket));
    let received: Buffer = Buffer.alloc(0);
    let blockId: bigint | undefined;
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      if (blockId === undefined) {
        const opened = this.#open(socket, received);
        if (!opened) return;
        blockId = opened.blockId;
        received = received.subarray(opened.length);
      }
      for (;;) {
        const length = this.#packet(socket, blockId, received);
        if (length === 0) break;
        received = received.subarray(length);
      }
    });
  }

  #open(socket: Socket, input: Buffer): { blockId: bigint; length: number } | undefined {
    const body = input.subarray(operationBytes);
    if (body.length < 2) return undefined;
    // No operation of these tests is longer than what two bytes of a length can tell.
    const lengthBytes = (body[0] ?? 0) < 128 ? 1 : 2;
    const length = ((body[0] ?? 0) & 127) + (lengthBytes === 2 ? (body[1] ?? 0) * 128 : 0);
    const end = operationBytes + lengthBytes + length;
    if (input.length < end) return undefined;
    const request = writeBlock.request.decode(input.subarray(end - length, end));
    const { blockId } = request.header.baseHeader.block;
    this.stages.push(request.stage);
    const status = this.setups.shift() ?? 0;
    socket.write(delimited(blockOpResponseProto.encode({ status, firstBadLink: '' })));
    const has = this.blocks.get(blockId) ?? Buffer.alloc(0);
    this.blocks.set(blockId, Buffer.from(has.subarray(0, request.minBytesRcvd)));
    if (request.stage === 5) this.finalized.add(blockId);
    return { blockId, length: end };
  }

  /** How many bytes the packet had; 0 when it is not there yet. */
  #packet(socket: Socket, blockId: bigint, input: Buffer): number {
    if (input.length < packetLengthBytes || socket.destroyed || socket.writableEnded) return 0;
    const { headerLength, bodyLength } = decodePacketLengths(input);
    const end = packetLengthBytes + headerLength + bodyLength;
    if (input.length < end) return 0;
    const header = decodePacketHeader(input.subarray(packetLengthBytes, end - bodyLength));
    const data = input.subarray(end - header.length, end);
    const sums = input.subarray(end - bodyLength, end - header.length);
    const valid = new Checksums(2, 512).verify([data], sums);
    const reply = valid ? this.reply(this.packets++) : 2;
    if (reply === 'cut') socket.destroy();
    if (typeof reply === 'string' && reply !== 'ack') return end;
    if (headerLength > 25) this.syncs++;
    if (header.seqno >= 0) this.#store(blockId, header.offset, data);
    if (header.last) this.finalized.add(blockId);
    const ack = ackProto.encode({ seqno: header.seqno, reply: [reply === 'ack' ? 0 : reply] });
    // A byte at a time: nobody may take a part for the whole.
    for (const byte of delimited(ack)) socket.write(Buffer.from([byte]));
    if (reply !== 'ack') socket.end();
    return end;
  }

  #store(blockId: bigint, offset: number, data: Buffer): void {
    const has = this.blocks.get(blockId) ?? Buffer.alloc(0);
    if (offset > has.length) throw new Error(`a gap at ${has.length}`);
    this.blocks.set(blockId, Buffer.concat([has.subarray(0, offset), data]));
  }
}

/** A NameNode with one file and one DataNode; enough for a writer. */
export class FakeCluster {
  readonly datanode: FakeDatanode;
  readonly nameNode: FakeRpcServer;
  /** The names of the calls that came. */
  readonly calls: string[];
  #blocks = 0n;
  #generation = 1_000;

  private constructor(datanode: FakeDatanode, nameNode: FakeRpcServer, names: string[]) {
    this.datanode = datanode;
    this.nameNode = nameNode;
    this.calls = names;
  }

  static async start(blockSize: number): Promise<FakeCluster> {
    const datanode = await FakeDatanode.start();
    const names: string[] = [];
    const nameNode = await FakeRpcServer.start((call) => {
      names.push(call.method);
      return cluster.#answer(call, blockSize);
    });
    const cluster: FakeCluster = new FakeCluster(datanode, nameNode, names);
    return cluster;
  }

  get url(): string {
    return `hdfs://127.0.0.1:${this.nameNode.port}`;
  }

  /** The blocks of the file, one behind the other. */
  get content(): Buffer {
    return Buffer.concat([...this.datanode.blocks.values()]);
  }

  async stop(): Promise<void> {
    await this.nameNode.stop();
    await this.datanode.stop();
  }

  #answer({ method, request }: ReceivedCall, blockSize: number): Answer {
    const fs = {
      fileType: 2,
      path: Buffer.alloc(0),
      length: 0,
      permission: { perm: 0o644 },
      owner: 'o',
      group: 'g',
      modificationTime: 0,
      accessTime: 0,
      blockReplication: 1,
      blocksize: blockSize,
      fileId: 7,
    };
    const serverDefaults = { blockSize, bytesPerChecksum: 512, writePacketSize: 65_536 };
    const defaults = { ...serverDefaults, replication: 1, fileBufferSize: 4_096, checksumType: 2 };
    const answers: Readonly<Record<string, () => Buffer>> = {
      getServerDefaults: () =>
        calls.getServerDefaults.response.encode({ serverDefaults: defaults }),
      create: () => calls.create.response.encode({ fs }),
      addBlock: () => calls.addBlock.response.encode({ block: this.#located(++this.#blocks) }),
      updateBlockForPipeline: () => {
        const { block } = calls.updateBlockForPipeline.request.decode(request);
        this.#generation++;
        const located = this.#located(block.blockId);
        return calls.updateBlockForPipeline.response.encode({ block: { ...located, locs: [] } });
      },
      complete: () => calls.complete.response.encode({ result: true }),
    };
    return answers[method]?.() ?? Buffer.alloc(0);
  }

  #located(blockId: bigint): LocatedBlock {
    return {
      b: { poolId: 'BP-1', blockId, generationStamp: this.#generation, numBytes: 0 },
      offset: 0,
      locs: [this.datanode.info],
      corrupt: false,
      blockToken: Buffer.alloc(0),
      storageTypes: [1],
      storageIDs: ['DS-1'],
    };
  }
}
