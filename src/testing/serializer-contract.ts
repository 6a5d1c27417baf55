import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { type Event, EventBatch } from '../core/event-batch.ts';
import type { EventSerializer } from '../core/serializer.ts';
import { Prng, seedFromEnvironment } from './prng.ts';

/** A serializer under test. */
export interface SerializerSubject {
  /** Makes the serializer of one file. */
  readonly create: () => EventSerializer;
  /** The events in a file's bytes; `headers` is left out by a format that does not keep them. */
  readonly read: (file: Buffer) => Promise<ReadEvent[]> | ReadEvent[];
  /** Which bodies the format can tell apart: `lines` are bodies without a newline. */
  readonly bodies: 'any' | 'lines';
  /** Which headers it can: `words` are without blanks and punctuation. */
  readonly headers: 'any' | 'words' | 'none';
}

export interface ReadEvent {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** What every serializer promises: one call in each serializer's own test file. */
export function serializerContract(name: string, subject: SerializerSubject): void {
  const promises = (title: string, body: (prng: Prng) => Promise<void>) => {
    test(`${name} serializer: ${title}`, async () => {
      const seed = seedFromEnvironment();
      try {
        await body(new Prng(seed));
      } catch (error) {
        throw new Error(`with MILLRACE_SEED=${seed}`, { cause: error });
      }
    });
  };

  promises('a file without events is valid', async () => {
    const serializer = subject.create();
    const file = Buffer.concat([...serializer.begin(), ...(await ending(serializer))]);
    assert.deepEqual(await subject.read(file), []);
  });

  promises('an empty batch adds nothing', async () => {
    const serializer = subject.create();
    serializer.begin();
    assert.deepEqual(serializer.write(EventBatch.empty), []);
    assert.deepEqual(await serializer.flush(), []);
    assert.equal(serializer.heldBytes ?? 0, 0);
  });

  promises('what is written is read, in order, however it is batched and flushed', async (prng) => {
    for (let round = 0; round < rounds; round++) {
      const events = randomEvents(prng, subject, prng.integer(60));
      assertSame(await readBack(randomBatches(prng, events), prng), events);
    }
  });

  promises('a file cut after any flush is sound up to there', async (prng) => {
    const serializer = subject.create();
    // A format with an end is never cut: it is whole, or none of it counts.
    if (serializer.end) return;
    const parts = [...serializer.begin()];
    const written: Event[] = [];
    for (const batch of randomBatches(prng, randomEvents(prng, subject, 40))) {
      parts.push(...serializer.write(batch));
      written.push(...batch);
      parts.push(...(await serializer.flush()));
      assert.equal(serializer.heldBytes ?? 0, 0);
      assertSame(await subject.read(Buffer.concat(parts)), written);
    }
  });

  promises('blocks that are made at the same time do not disturb each other', async (prng) => {
    const serializer = subject.create();
    const events = randomEvents(prng, subject, 60);
    const parts: (readonly Buffer[] | Promise<readonly Buffer[]>)[] = [serializer.begin()];
    for (const batch of randomBatches(prng, events)) {
      parts.push(writeAndForget(serializer, batch), serializer.flush());
    }
    parts.push(ending(serializer));
    assertSame(await subject.read(Buffer.concat((await Promise.all(parts)).flat())), events);
  });

  promises('where bodies lie in the slab makes no difference', async (prng) => {
    for (let round = 0; round < rounds; round++) {
      const events = randomEvents(prng, subject, 30);
      const batch = scattered(prng, events);
      const kept = [...batch.starts.keys()].filter(() => prng.chance(0.7));
      const before = Buffer.from(batch.slab);
      const expected = kept.map((index) => events[index] as Event);
      assertSame(await readBack([batch.pick(kept)], prng), expected);
      assert.deepEqual(batch.slab, before, 'the slab is not written to');
    }
  });

  promises('extreme bodies and headers come through', async (prng) => {
    const events: Event[] = [
      { headers: {}, body: Buffer.alloc(0) },
      { headers: {}, body: Buffer.from([0, 0xff, 0xfe, 0x80, 0xc0, 13, 0]) },
      { headers: { empty: '' }, body: Buffer.alloc(1_000_000, 'm') },
      { headers: manyHeaders(3000), body: Buffer.from('many headers') },
      { headers: { prototype: 'p', constructor: 'c' }, body: Buffer.alloc(0) },
    ];
    assertSame(await readBack([EventBatch.of(events)], prng), events);
  });

  async function readBack(batches: readonly EventBatch[], prng: Prng): Promise<ReadEvent[]> {
    return subject.read(await write(subject.create(), batches, prng));
  }

  function assertSame(found: readonly ReadEvent[], events: readonly Event[]): void {
    const seen = ({ headers, body }: ReadEvent) =>
      subject.headers === 'none' ? { body } : { headers: { ...headers }, body };
    assert.deepEqual(found.map(seen), events.map(seen));
  }
}

const rounds = 20;

/** As a sink does that lets go of a batch's memory once a whole file has it. */
function writeAndForget(serializer: EventSerializer, batch: EventBatch): readonly Buffer[] {
  if (!serializer.end) return serializer.write(batch);
  const own = batch.copy();
  const written = serializer.write(own);
  own.slab.fill('x');
  return written;
}

async function write(
  serializer: EventSerializer,
  batches: readonly EventBatch[],
  prng: Prng,
): Promise<Buffer> {
  const parts = [...serializer.begin()];
  for (const batch of batches) {
    parts.push(...writeAndForget(serializer, batch));
    if (prng.chance(0.5)) parts.push(...(await serializer.flush()));
  }
  parts.push(...(await ending(serializer)));
  return Buffer.concat(parts);
}

async function ending(serializer: EventSerializer): Promise<Buffer[]> {
  const last = await serializer.flush();
  return [...last, ...((await serializer.end?.()) ?? [])];
}

function randomEvents(prng: Prng, subject: SerializerSubject, count: number): Event[] {
  const names = ['host', 'k', 'timestamp', 'datacenter', 'Aa', 'BB', 'file', 'x1', 'x2', 'grüße'];
  const same = prng.chance(0.3);
  const common = randomHeaders(prng, subject, names);
  return Array.from({ length: count }, () => ({
    headers: same ? common : randomHeaders(prng, subject, names),
    body: randomBody(prng, subject),
  }));
}

function randomHeaders(prng: Prng, subject: SerializerSubject, names: readonly string[]) {
  const values = ['', 'v', 'h1', '1325430245678', 'ünï', '😀'];
  if (subject.headers === 'any') values.push(', a=b} ', '\n', '\u0000');
  const chosen = prng.shuffle(names).slice(0, prng.integer(names.length + 1));
  return Object.fromEntries(chosen.map((name) => [name, prng.pick(values)]));
}

function randomBody(prng: Prng, subject: SerializerSubject): Buffer {
  const length = prng.pick([0, 1, prng.integer(200), prng.integer(5000)]);
  const body = prng.bytes(length);
  if (subject.bodies === 'any') return body;
  return body.map((byte) => (byte === newlineByte ? 0 : byte)) as Buffer;
}

const newlineByte = 10;

function manyHeaders(count: number): Record<string, string> {
  return Object.fromEntries(
    Array.from({ length: count }, (_, index) => [`n${index}`, `v${index}`]),
  );
}

function randomBatches(prng: Prng, events: readonly Event[]): EventBatch[] {
  const batches: EventBatch[] = [];
  for (let from = 0; from < events.length; ) {
    const to = Math.min(events.length, from + 1 + prng.integer(10));
    const some = events.slice(from, to);
    batches.push(prng.chance(0.5) ? EventBatch.of(some) : scattered(prng, some));
    from = to;
  }
  return batches;
}

/** Bodies with newlines, other bytes or nothing between them, as different sources leave them. */
function scattered(prng: Prng, events: readonly Event[]): EventBatch {
  const starts = new Uint32Array(events.length);
  const ends = new Uint32Array(events.length);
  const parts: Buffer[] = [];
  const usual = prng.pick(['\n', '\n', '', '\r\n', 'x\n']);
  let end = 0;
  const add = (part: Buffer) => {
    parts.push(part);
    end += part.length;
  };
  for (const [index, { body }] of events.entries()) {
    starts[index] = end;
    add(body);
    ends[index] = end;
    const last = index === events.length - 1;
    if (!last || prng.chance(0.5)) add(Buffer.from(prng.chance(0.9) ? usual : 'junk'));
  }
  const headers = EventBatch.of(events).headers;
  return new EventBatch(Buffer.concat(parts), starts, ends, headers);
}
