/**
 * A source of random events that are hard on formats, from a seed: `type = …/this-file.ts`. The
 * test that runs an agent with it makes the same events to compare with.
 */
import {
  type ConfigOf,
  choice,
  defineSource,
  type Event,
  EventBatch,
  integer,
  type PollResult,
  type Source,
  type SourceContext,
} from '../../src/index.ts';
import { Prng } from '../../src/testing/prng.ts';

const fields = {
  seed: integer({ doc: 'Of the random numbers.', min: 0 }),
  kind: choice({
    doc: 'What is made.',
    values: {
      events: 'Any bodies and any headers.',
      texts: 'Bodies of UTF-8, without newlines.',
      datums: 'Bodies that are Avro datums, with their schema in a header.',
    },
  }),
};

export type Kind = ConfigOf<typeof fields>['kind'];

export default defineSource({
  type: 'random-events',
  summary: 'Random events.',
  rereads: false,
  fields,
  create: (config, context) => new RandomSource(config, context),
});

class RandomSource implements Source {
  readonly #config: ConfigOf<typeof fields>;
  readonly #context: SourceContext;
  #left: EventBatch[] = [];

  constructor(config: ConfigOf<typeof fields>, context: SourceContext) {
    this.#config = config;
    this.#context = context;
  }

  async start(): Promise<void> {
    const { seed, kind } = this.#config;
    this.#left = batchesOf(kind, seed).map((events) => EventBatch.of(events));
  }

  async stop(): Promise<void> {}

  async poll(): Promise<PollResult> {
    const [batch] = this.#left;
    if (!batch) return 'idle';
    await this.#context.emit(batch);
    this.#left.shift();
    return 'ready';
  }
}

const batchCount = 24;

export function batchesOf(kind: Kind, seed: number): readonly (readonly Event[])[] {
  const prng = new Prng(seed);
  const batches = Array.from({ length: batchCount }, () =>
    Array.from({ length: 1 + prng.integer(30) }, () => eventMakers[kind](prng)),
  );
  if (kind === 'datums') return batches;
  const large = Buffer.alloc(1_000_000, 'large bodies ');
  if (kind === 'events') prng.bytes(600_000).copy(large, 200_000);
  batches.splice(3, 0, [{ headers: { timestamp: '1' }, body: large }]);
  // By themselves: a header is a column of its batch.
  batches.splice(7, 0, [{ headers: manyHeaders(prng), body: Buffer.from('many headers') }]);
  return batches;
}

const eventMakers: Readonly<Record<Kind, (prng: Prng) => Event>> = {
  events: (prng) => ({ headers: headers(prng), body: body(prng) }),
  texts: (prng) => ({ headers: headers(prng), body: Buffer.from(text(prng)) }),
  datums: datumEvent,
};

function headers(prng: Prng): Record<string, string> {
  const names = ['host', 'ключ', '', 'a b', '__proto__', 'q"\\', 'k=v, x', 'line\nend'];
  const values = [
    '',
    'web1',
    'grüße 😀',
    '"',
    '\\',
    'a\tb\r\n',
    '\u0000',
    '}, {',
    'x'.repeat(5_000),
  ];
  const headers: Record<string, string> = {};
  const set = (name: string, value: string) =>
    Object.defineProperty(headers, name, {
      value,
      enumerable: true,
      configurable: true,
      writable: true,
    });
  for (const name of names) if (prng.chance(0.25)) set(name, prng.pick(values));
  if (prng.chance(0.9)) set('timestamp', timestamp(prng));
  return headers;
}

/** In years that everything knows: 1 to 9999. */
function timestamp(prng: Prng): string {
  const bounds = ['-62135596800000', '-1', '0', '253402300799999', 'soon'];
  return prng.chance(0.2) ? prng.pick(bounds) : String(1_700_000_000_000 + prng.integer(1e9));
}

function manyHeaders(prng: Prng): Record<string, string> {
  const entries = Array.from({ length: 3_000 }, (_, index) => [
    `name ${index} ${prng.integer(1e6)}`,
    `value ${index}`,
  ]);
  return Object.fromEntries([...entries, ['timestamp', '1700000000000']]);
}

function body(prng: Prng): Buffer {
  const size = prng.integer(300);
  switch (prng.integer(7)) {
    case 0:
      return Buffer.alloc(0);
    case 1:
      return Buffer.alloc(size);
    case 2:
      return Buffer.from('lines\nof\r\ntext\n');
    case 3:
      return Buffer.alloc(size, 0xff);
    case 4:
      return Buffer.from(text(prng));
    default:
      return prng.bytes(size);
  }
}

function text(prng: Prng): string {
  const parts = ['', 'a', 'some words ', 'grüße ', '漢字', '😀', '\t', '{"a":1}', '"', ','];
  return Array.from({ length: prng.integer(30) }, () => prng.pick(parts)).join('');
}

const schemas = ['click', 'view'].map(
  (name) =>
    `{"type":"record","name":"${name}","fields":[{"name":"id","type":"long"},` +
    '{"name":"text","type":"string"},{"name":"raw","type":"bytes"}]}',
);

/** The header `type` names the schema, and `datum` is the record as JSON, its bytes in latin1. */
function datumEvent(prng: Prng): Event {
  const type = prng.integer(2);
  const record = {
    id: prng.integer(2 ** 40) - 2 ** 39,
    text: text(prng),
    raw: prng.bytes(prng.integer(100)),
  };
  const parts = [zigzag(record.id), ...sized(Buffer.from(record.text)), ...sized(record.raw)];
  const datum = JSON.stringify({ ...record, raw: record.raw.toString('latin1') });
  const schema = schemas[type] ?? '';
  const headers = { type: type ? 'view' : 'click', datum, 'flume.avro.schema.literal': schema };
  return { headers, body: Buffer.concat(parts) };
}

function sized(bytes: Buffer): Buffer[] {
  return [zigzag(bytes.length), bytes];
}

/** Of Avro: the sign at the end, then seven bits per byte, the lowest first. */
function zigzag(value: number): Buffer {
  let left = value < 0 ? BigInt(-value) * 2n - 1n : BigInt(value) * 2n;
  const bytes: number[] = [];
  for (; left > 127n; left >>= 7n) bytes.push(Number(left & 127n) | 128);
  return Buffer.from([...bytes, Number(left)]);
}
