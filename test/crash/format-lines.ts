/**
 * The lines in the files of the kill loop, read by somebody else's reader: Hadoop's, zlib's,
 * fastavro's, Arrow's. Each file is read to its end, and every byte of it must belong to something.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { jarsMissing, jarsOf, javaCommand } from '../../testbed/jars.ts';
import { pythonCommand, pythonMissing } from '../../testbed/python.ts';
import type { Format } from './format-options.ts';

/** What was found in one file. */
export interface FileLines {
  /** With a problem, those that could be read. */
  readonly lines: readonly string[];
  /** Why it can't be read to its end. */
  readonly problem?: string;
}

/** Why files of this format can't be read here, for the `skip` of a test; `false` when they can. */
export function readerMissing(format: Format): string | false {
  if (format === 'text') return false;
  return format === 'sequence' ? jarsMissing('hdfs') : pythonMissing();
}

const python = `
import json, os, sys, zlib

def lines_of(text):
    if not text.endswith(b'\\n'): raise ValueError('ends within a line')
    return text[:-1].split(b'\\n')

def gzip(path):
    with open(path, 'rb') as file: data = memoryview(file.read())
    text = bytearray()
    at = 0
    while at < len(data) or at == 0:
        member = zlib.decompressobj(wbits=31)
        while not member.eof:
            piece = data[at : at + 4096]
            if not piece: raise EOFError('a member is cut off')
            text += member.decompress(piece)
            at += len(piece) - len(member.unused_data)
    return lines_of(bytes(text))

def avro(path):
    import fastavro
    with open(path, 'rb') as file:
        bodies = []
        end = None
        for block in fastavro.block_reader(file):
            bodies += [record['body'] for record in block]
            end = block.offset + block.size
    size = os.path.getsize(path)
    if end != size: raise EOFError(f'its last whole block ends at {end} of {size}')
    return bodies

def parquet(path):
    import pyarrow.parquet
    file = pyarrow.parquet.ParquetFile(path, page_checksum_verification=True)
    return file.read().column('body').to_pylist()

read = globals()[sys.argv[1]]
for path in sys.stdin:
    answer = {'lines': []}
    try: answer['lines'] = [body.decode('latin1') for body in read(path.rstrip('\\n'))]
    except Exception as problem: answer['problem'] = repr(problem)
    print(json.dumps(answer), flush=True)
`;

/** One process that reads all files of a run; asks for `readerMissing` to be `false`. */
export class FormatReader {
  readonly #process: ChildProcessWithoutNullStreams | undefined;
  readonly #answers: AsyncIterator<string> | undefined;
  #said = '';

  constructor(format: Format) {
    if (format === 'text') return;
    const [command, args] =
      format === 'sequence' ? hadoop() : [pythonCommand(), pythonArgs(format)];
    this.#process = spawn(command, args);
    this.#process.stderr.on('data', (data) => {
      this.#said = `${this.#said}${data}`.slice(-3_000);
    });
    // What it can't take any more is said where its answer is missing.
    this.#process.stdin.on('error', () => {});
    this.#answers = createInterface(this.#process.stdout)[Symbol.asyncIterator]();
  }

  /** @throws when the reader itself fails */
  async read(path: string): Promise<FileLines> {
    if (!this.#process || !this.#answers) return textLines(path);
    this.#process.stdin.write(`${path}\n`);
    const { value, done } = await this.#answers.next();
    if (done) throw new Error(`the reader ended at ${path}: ${this.#said}`);
    return JSON.parse(value) as FileLines;
  }

  close(): void {
    this.#process?.stdin.end();
  }
}

function hadoop(): [string, string[]] {
  const opened = ['lang', 'nio', 'util', 'net'].map(
    (name) => `--add-opens=java.base/java.${name}=ALL-UNNAMED`,
  );
  const program = join(import.meta.dirname, 'SequenceFileLines.java');
  const options = [
    '-Xmx256m',
    '-XX:TieredStopAtLevel=1',
    ...opened,
    '-cp',
    join(jarsOf('hdfs'), '*'),
  ];
  return [javaCommand(), [...options, program]];
}

function pythonArgs(format: Format): string[] {
  return ['-I', '-c', python, format];
}

function textLines(path: string): FileLines {
  const lines = readFileSync(path, 'latin1').split('\n');
  const isWhole = lines.at(-1) === '';
  if (isWhole) lines.pop();
  return { lines, ...(isWhole ? {} : { problem: 'ends within a line' }) };
}
