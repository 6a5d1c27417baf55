import { createServer, type Server, type Socket } from 'node:net';
import {
  integer,
  message,
  optional,
  ProtoReader,
  ProtoWriter,
  required,
  string,
  zigzag,
} from '../bytes/protobuf.ts';

/** A call as it came. */
export interface ReceivedCall {
  readonly callId: number;
  readonly retryCount: number;
  readonly method: string;
  readonly request: Buffer;
}

/** What becomes of a call: an encoded response, an exception, no answer, or the end. */
export type Answer =
  | Buffer
  | { readonly exception: string; readonly fatal?: boolean }
  | 'none'
  | 'cut';

const headerProto = message('RpcRequestHeaderProto', {
  callId: required(3, zigzag),
  retryCount: optional(5, zigzag),
});
const methodProto = message('RequestHeaderProto', { methodName: required(1, string) });
const responseProto = message('RpcResponseHeaderProto', {
  callId: required(1, integer),
  status: required(2, integer),
  exceptionClassName: optional(4, string),
  errorMsg: optional(5, string),
});
const preambleBytes = 7;

/** A server of Hadoop RPC that a test answers for. */
export class FakeRpcServer {
  readonly calls: ReceivedCall[] = [];
  pings = 0;
  connections = 0;
  /** It answers nothing. */
  mute = false;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #answer: (call: ReceivedCall) => Answer;

  private constructor(answer: (call: ReceivedCall) => Answer) {
    this.#answer = answer;
    this.#server = createServer((socket) => this.#serve(socket));
  }

  static async start(answer: (call: ReceivedCall) => Answer, port = 0): Promise<FakeRpcServer> {
    const fake = new FakeRpcServer(answer);
    await new Promise<void>((resolve) => fake.#server.listen(port, '127.0.0.1', resolve));
    return fake;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address ? address.port : 0;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #serve(socket: Socket): void {
    this.connections++;
    this.#sockets.add(socket);
    let received: Buffer = Buffer.alloc(0);
    let greeted = false;
    socket.on('error', () => {});
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      if (!greeted && received.length >= preambleBytes) {
        greeted = true;
        received = received.subarray(preambleBytes);
      }
      while (greeted && received.length >= 4) {
        const end = 4 + received.readInt32BE(0);
        if (received.length < end) break;
        const frame = received.subarray(4, end);
        received = received.subarray(end);
        this.#receive(socket, new ProtoReader(frame));
      }
    });
  }

  #receive(socket: Socket, reader: ProtoReader): void {
    const { callId, retryCount = -1 } = headerProto.decode(reader.delimited());
    if (callId === -4) this.pings++;
    if (callId < 0) return;
    const { methodName: method } = methodProto.decode(reader.delimited());
    const call = { callId, retryCount, method, request: reader.delimited() };
    this.calls.push(call);
    const answer = this.#answer(call);
    if (answer === 'none' || this.mute) return;
    if (answer === 'cut') socket.destroy();
    else socket.write(frameOf(callId, answer));
  }
}

function frameOf(callId: number, answer: Exclude<Answer, 'none' | 'cut'>): Buffer {
  const writer = new ProtoWriter();
  if (Buffer.isBuffer(answer)) {
    writer.delimited(responseProto.encode({ callId, status: 0 }));
    writer.delimited(answer);
  } else {
    const { exception, fatal = false } = answer;
    const errorMsg = 'why it failed\n\tat Some.java';
    const header = { callId, status: fatal ? 2 : 1, exceptionClassName: exception, errorMsg };
    writer.delimited(responseProto.encode(header));
  }
  const body = writer.take();
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length);
  return Buffer.concat([length, body]);
}
