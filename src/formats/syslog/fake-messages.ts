import type { EventBatch } from '../../core/event-batch.ts';
import { cutNote, type SyslogMessages } from './messages.ts';

/** What the tests take for now: 24 November 2026, 12:00 UTC. */
export const now = Date.UTC(2026, 10, 24, 12);

interface FakeMessage {
  readonly bytes: Buffer | string;
  readonly isCut?: boolean;
  /** More of the note. */
  readonly note?: number;
}

/** Messages as the intake gives them: between other bytes, and sometimes without any between. */
export function messagesOf(messages: readonly FakeMessage[], at = now): SyslogMessages {
  const parts: Buffer[] = [Buffer.from('before')];
  const starts = new Uint32Array(messages.length);
  const ends = new Uint32Array(messages.length);
  const notes = new Uint8Array(messages.length);
  let end = parts[0]?.length ?? 0;
  for (const [row, { bytes, isCut, note = 0 }] of messages.entries()) {
    const message = Buffer.from(bytes);
    starts[row] = end;
    ends[row] = end += message.length;
    notes[row] = note + (isCut ? cutNote : 0);
    const between = Buffer.from(isCut ? '' : '\n');
    parts.push(message, between);
    end += between.length;
  }
  parts.push(Buffer.from('behind'));
  const slab = Buffer.concat(parts);
  return { slab, count: messages.length, starts, ends, notes, headers: new Map(), at };
}

/** An event for a table: its headers, and its body as `body`. */
export function eventsOf(batch: EventBatch): Record<string, string>[] {
  return [...batch].map(({ headers, body }) => ({ ...headers, body: body.toString() }));
}
