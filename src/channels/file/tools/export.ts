import { isUtf8 } from 'node:buffer';
import type { Disk } from '../../../core/disk.ts';
import { Backlog } from '../backlog.ts';
import type { OpenedLog } from '../open.ts';
import { ReadingDisk } from './reading.ts';

export interface LiveEvent {
  readonly sequence: number;
  /** Where it came from, when its source can read again. */
  readonly stream: string | undefined;
  /** Just behind what it was made from. */
  readonly offset: number | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/**
 * Every event that is not committed, by sequence: about a MiB is in memory at a time.
 * @throws ChannelError when a record can't be read
 */
export async function* liveEvents(
  { state }: OpenedLog,
  disk: Disk,
): AsyncGenerator<LiveEvent, void, undefined> {
  const backlog = new Backlog(new ReadingDisk(disk), state);
  backlog.begin(0, 0);
  try {
    while (!backlog.empty) {
      const events: LiveEvent[] = [];
      await backlog.read(({ first, batch }) => {
        for (let index = 0; index < batch.length; index++) {
          if (state.isCommitted(first + index)) continue;
          events.push({
            sequence: first + index,
            stream: batch.origin?.stream,
            offset: batch.origin?.ends[index],
            headers: batch.headersOf(index),
            body: batch.body(index),
          });
        }
      });
      yield* events;
    }
  } finally {
    await backlog.close();
  }
}

/** One line of JSON, as `parseLine` reads it. A body that is no UTF-8 is given in base64. */
export function lineOf({ sequence, stream, offset, headers, body }: LiveEvent): string {
  const content = isUtf8(body)
    ? { body: body.toString('utf8') }
    : { bodyBase64: body.toString('base64') };
  return `${JSON.stringify({ sequence, stream, offset, headers, ...content })}\n`;
}
