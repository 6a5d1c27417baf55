import { parseAvroSchema } from './schema.ts';

const maxSchemas = 100;
/** A schema that was replaced at its URL is found after so long. */
const keptMs = 60_000;

/**
 * The schemas that were read from URLs lately, of all files of the process: a sink that begins a
 * hundred files reads their schema once. What could not be read is asked for again.
 */
export class SchemaCache {
  readonly #known = new Map<string, { readonly text: Promise<string>; readonly untilMs: number }>();

  /** @throws Error naming the URL, when it can't be read or has no schema */
  async read(url: string, readUrl: (url: string) => Promise<Buffer>): Promise<string> {
    const now = performance.now();
    const known = this.#known.get(url);
    if (known && now < known.untilMs) return known.text;
    const text = readSchema(url, readUrl);
    this.#known.delete(url);
    const [oldest] = this.#known.keys();
    if (this.#known.size >= maxSchemas && oldest !== undefined) this.#known.delete(oldest);
    this.#known.set(url, { text, untilMs: now + keptMs });
    try {
      return await text;
    } catch (error) {
      if (this.#known.get(url)?.text === text) this.#known.delete(url);
      throw error;
    }
  }
}

async function readSchema(url: string, readUrl: (url: string) => Promise<Buffer>): Promise<string> {
  let text: string;
  try {
    text = (await readUrl(url)).toString('utf8');
  } catch (cause) {
    throw new Error(`read the Avro schema from ${url}`, { cause });
  }
  checkAvroSchema(text, `at ${url}`);
  return text;
}

/** @throws Error saying what is wrong, and where the schema is from */
export function checkAvroSchema(text: string, where: string): void {
  try {
    parseAvroSchema(text);
  } catch (cause) {
    const problem = (cause as Error).message;
    throw new Error(`there is no Avro schema ${where}: ${problem}`, { cause });
  }
}
