import type { Socket } from 'node:net';
import type { Intake } from './intake.ts';

/** What a source does with one connection. */
export interface ConnectionHandler {
  /**
   * Bytes that came: a view that may be kept, unless the server `sharesReads`. Whatever is in them
   * goes to the intake at once.
   */
  data(chunk: Buffer): void;
  /** Nothing comes any more: the peer has ended it, it broke, or the server stops. Called once. */
  end(): void;
}

/** The server, as its connections see it. */
export interface ConnectionOwner {
  readonly intake: Intake;
  closed(connection: Connection): void;
  hasAnswers(connection: Connection): void;
  pauseAll(): void;
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** Not delivered yet of one connection: with more, it is not read until half is delivered. */
const maxHeldBytes = 256 << 10;
/** How long a peer may take to close, once everything was sent and it is over on our side. */
const lingerMs = 2_000;

/**
 * `open`: it is read. `finishing`: no more is taken; it ends when everything is answered. `ended`:
 * over on our side; what the peer still sends is thrown away, since closing at once would take the
 * last answers from it (a reset). `closed`: gone.
 */
type State = 'waiting' | 'open' | 'finishing' | 'ended' | 'closed';

/** One peer, as its handler sees it. */
export class Connection {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localPort: number;
  readonly #socket: Socket;
  readonly #owner: ConnectionOwner;
  #handler: ConnectionHandler | undefined;
  #state: State = 'waiting';
  /** In the intake, not delivered. */
  #held = 0;
  #paused = false;
  /** Will be resumed when the intake has room. */
  #waits = false;
  /** Its peer does not read its answers. */
  #unread = false;
  #answers = '';
  /** Said before the end. */
  #lastAnswer = '';
  #lingering: AbortController | undefined;

  constructor(socket: Socket, owner: ConnectionOwner) {
    this.#socket = socket;
    this.#owner = owner;
    // An IPv4 peer of a socket for both is named as such.
    this.remoteAddress = (socket.remoteAddress ?? '').replace(/^::ffff:(?=\d+\.)/, '');
    this.remotePort = socket.remotePort ?? 0;
    this.localPort = socket.localPort ?? 0;
    socket.once('close', () => this.#closed());
  }

  /** For the server: it begins to be read. */
  open(handler: ConnectionHandler): void {
    if (this.#state !== 'waiting') return;
    this.#handler = handler;
    this.#state = 'open';
    const socket = this.#socket;
    socket.on('drain', () => this.#drained());
    socket.on('end', () => this.#peerEnded());
    socket.on('data', (chunk: Buffer) => this.#data(chunk));
    if (this.#owner.intake.isOverfull) this.pause();
  }

  /** Bytes given to the intake, as it counts them; `delivered` takes them back. */
  hold(bytes: number): void {
    this.#held += bytes;
  }

  /** Bytes that are not the connection's any more. */
  delivered(bytes: number): void {
    this.#held -= bytes;
    // Whoever calls this may answer right after it.
    if (this.#state === 'finishing') process.nextTick(() => this.#endWhenAnswered());
    else if (this.#paused) this.#resumeIfRoom();
  }

  /** Answers the peer. While it reads none of its answers it is not read. */
  answer(text: string): void {
    if (this.#answers === '') this.#owner.hasAnswers(this);
    this.#answers += text;
  }

  /** Takes no more, answers all that came before, then this, and ends the connection. */
  close(lastAnswer = ''): void {
    if (this.#state !== 'open') return;
    this.#lastAnswer = lastAnswer;
    this.finish();
  }

  /** For the server: takes no more, and ends the connection when everything is answered. */
  finish(): void {
    if (this.#state === 'waiting') this.destroy();
    if (this.#state !== 'open') return;
    this.#state = 'finishing';
    this.#endHandler();
    this.pause();
    this.#endWhenAnswered();
  }

  /** For the server: says that nothing is answered; what the peer still sends is taken. */
  endOwnSide(): void {
    if (this.#state === 'waiting') this.destroy();
    else this.#socket.end();
  }

  /** For the server: sends the answers of this turn. */
  sendAnswers(): void {
    const answers = this.#answers;
    this.#answers = '';
    if (answers === '' || !this.#socket.writable || this.#socket.write(answers)) return;
    this.#unread = true;
    this.pause();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** Reads no more until `resume` finds that nothing is in the way. */
  pause(): void {
    if (this.#paused || this.#state === 'waiting') return;
    this.#paused = true;
    this.#socket.pause();
    this.#resumeIfRoom();
  }

  /** For the intake: there is room. */
  resume(): void {
    this.#waits = false;
    this.#resumeIfRoom();
  }

  #data(chunk: Buffer): void {
    if (this.#state !== 'open') return;
    this.#handler?.data(chunk);
    const { intake } = this.#owner;
    if (intake.isOverfull) this.#owner.pauseAll();
    else if (this.#held > maxHeldBytes || intake.isFull) this.pause();
  }

  #resumeIfRoom(): void {
    if (!this.#paused || this.#waits || this.#unread || this.#state !== 'open') return;
    if (this.#held > maxHeldBytes / 2) return;
    const { intake } = this.#owner;
    if (intake.isFull) {
      this.#waits = true;
      intake.whenRoom(this);
      return;
    }
    this.#paused = false;
    this.#socket.resume();
  }

  #drained(): void {
    this.#unread = false;
    this.#resumeIfRoom();
  }

  #peerEnded(): void {
    if (this.#state === 'open') this.finish();
  }

  #endHandler(): void {
    const handler = this.#handler;
    this.#handler = undefined;
    handler?.end();
  }

  #endWhenAnswered(): void {
    if (this.#held > 0 || this.#state !== 'finishing') return;
    this.#state = 'ended';
    this.#answers += this.#lastAnswer;
    this.sendAnswers();
    this.#socket.end(() => void this.#linger());
    this.#socket.resume();
  }

  /** All of the answers are on their way. */
  async #linger(): Promise<void> {
    if (this.#state === 'closed') return;
    this.#lingering = new AbortController();
    await this.#owner.sleep(lingerMs, this.#lingering.signal);
    this.destroy();
  }

  #closed(): void {
    this.#state = 'closed';
    this.#endHandler();
    this.#lingering?.abort();
    this.#owner.closed(this);
  }
}
