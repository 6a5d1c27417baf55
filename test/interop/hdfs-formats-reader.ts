/** Files of HDFS, or of the local disk, as Hadoop's own classes read them: HadoopFiles.java. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { HdfsCluster } from '../../testbed/hdfs.ts';

export interface Question {
  /** HadoopFiles.java says what each answers. */
  readonly kind: 'sequence' | 'avro' | 'bytes' | 'text';
  /** A path of the cluster, or a URI. */
  readonly path: string;
  /** What the file as a whole is compressed with. */
  readonly codec?: string;
}

/** One JVM for all questions, since its start takes longer than any of them. */
export class HadoopReader {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;
  #said = '';
  /** One question at a time. */
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(child: ChildProcessWithoutNullStreams) {
    this.#child = child;
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    child.stderr.on('data', (text) => {
      this.#said = `${this.#said}${text}`.slice(-3_000);
    });
    child.stdin.on('error', () => {});
  }

  static start(cluster: HdfsCluster): HadoopReader {
    const program = join(import.meta.dirname, 'HadoopFiles.java');
    const [java = '', ...args] = cluster.command(program, []);
    return new HadoopReader(spawn(java, args, { stdio: 'pipe' }));
  }

  /** @throws Error with Hadoop's reason when it can't read the file */
  async read({ kind, path, codec = '-' }: Question): Promise<readonly string[]> {
    const answer = this.#turn.then(() => this.#ask(`${kind}\t${path}\t${codec}`));
    this.#turn = answer.catch(() => {});
    return answer;
  }

  /** All that is in a file, for `bytes` and `text`. */
  async readAll(question: Question): Promise<Buffer> {
    const [line = ''] = await this.read(question);
    return Buffer.from(line, 'base64');
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGKILL');
    await once(this.#child, 'exit');
  }

  async #ask(question: string): Promise<readonly string[]> {
    this.#child.stdin.write(`${question}\n`);
    const lines: string[] = [];
    for (;;) {
      const { value, done } = await this.#lines.next();
      if (done) throw new Error(`HadoopFiles.java ended: ${this.#said}`);
      if (value === 'ok') return lines;
      if (value.startsWith('failed ')) throw new Error(`${question}: ${value}`);
      lines.push(value);
    }
  }
}

/** A value as HadoopFiles.java shows it. */
export function shown(bytes: Buffer): string {
  if (bytes.length <= 1000) return bytes.toString('base64');
  return `#${bytes.length} ${createHash('sha256').update(bytes).digest('hex')}`;
}
