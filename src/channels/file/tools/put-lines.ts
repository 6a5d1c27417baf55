import type { Seams } from '../../../core/component.ts';
import { EventBatch } from '../../../core/event-batch.ts';
import type { Logger } from '../../../core/log.ts';
import { ChannelCounters } from '../../../core/metrics.ts';
import { FileChannel } from '../file-channel.ts';
import { Segments } from '../segments.ts';
import { type ChannelPlace, keysOf, ReadingDisk, readingOptions } from './reading.ts';

/** What is put at once. */
const batchEvents = 1_000;
const batchBytes = 1 << 20;
const largestSegment = 64 << 20;

interface LineEvent {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** A line is no event; says which line, and how many events were put before. */
export class LineError extends Error {}

/**
 * Puts what `lineOf` wrote into a channel as new events. Its agent must not run.
 *
 * @returns how many events were put
 * @throws LineError, DirectoryInUseError, ChannelError
 */
export async function putLines(
  place: ChannelPlace,
  lines: AsyncIterable<string>,
  seams: Seams,
  log: Logger,
): Promise<number> {
  const channel = await openChannel(place, seams, log);
  let count = 0;
  try {
    let number = 0;
    let waiting: LineEvent[] = [];
    let bytes = 0;
    const flush = async () => {
      const batch = EventBatch.of(waiting);
      await channel.put(batch, await channel.reserve(batch));
      count += waiting.length;
      waiting = [];
      bytes = 0;
    };
    for await (const line of lines) {
      number++;
      if (line.trim() === '') continue;
      const event = parseLine(line);
      if (typeof event === 'string') {
        throw new LineError(`line ${number}: ${event}; ${count} events were put before`);
      }
      waiting.push(event);
      bytes += event.body.length;
      if (waiting.length >= batchEvents || bytes >= batchBytes) await flush();
    }
    if (waiting.length > 0) await flush();
  } finally {
    await channel.stop();
  }
  return count;
}

async function openChannel(place: ChannelPlace, seams: Seams, log: Logger): Promise<FileChannel> {
  const { checkpointDirectory, dataDirectories } = place;
  const reading = new Segments(
    { ...readingOptions, ...(await keysOf(place, seams.disk)), directories: dataDirectories },
    { ...seams, disk: new ReadingDisk(seams.disk) },
  );
  const segmentBytes = (await reading.find()).at(-1)?.capacity ?? largestSegment;
  const channel = new FileChannel(
    {
      checkpointDirectory,
      dataDirectories,
      segmentBytes: Math.min(segmentBytes, largestSegment),
      minimumFreeBytes: 1 << 20,
      capacity: Number.MAX_SAFE_INTEGER,
      transactionCapacity: batchEvents,
      keepAliveMs: 0,
      memoryBytes: 0,
      ...(place.encryption && { encryption: place.encryption }),
    },
    {
      ...seams,
      agent: 'millrace',
      name: 'channel',
      log,
      stateDirectory: checkpointDirectory,
      counters: new ChannelCounters(),
    },
  );
  await channel.start();
  return channel;
}

/** The event of a line, or why it is none. */
function parseLine(line: string): LineEvent | string {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return 'this is no JSON';
  }
  if (typeof value !== 'object' || value === null) return 'expected an object';
  const headers = 'headers' in value ? value.headers : {};
  if (!isHeaders(headers)) return 'headers must be an object of texts';
  if ('body' in value && typeof value.body === 'string') {
    return { headers, body: Buffer.from(value.body, 'utf8') };
  }
  if ('bodyBase64' in value && typeof value.bodyBase64 === 'string') {
    return { headers, body: Buffer.from(value.bodyBase64, 'base64') };
  }
  return 'body, or bodyBase64, must be a text';
}

function isHeaders(value: unknown): value is Record<string, string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.values(value).every((each) => typeof each === 'string');
}
