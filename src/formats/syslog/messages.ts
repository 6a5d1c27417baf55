import type { Column, Headers } from '../../core/event-batch.ts';
import type { SourceCounters } from '../../core/metrics.ts';
import type { RareLog } from '../../core/rare-log.ts';

/**
 * Messages to be made into events, as the intake gives them. The bytes from the first to the last,
 * and the bounds, become those of the events: they are changed.
 */
export interface SyslogMessages {
  readonly slab: Buffer;
  readonly count: number;
  readonly starts: Uint32Array;
  readonly ends: Uint32Array;
  /** Per message, flags: see below. */
  readonly notes: Uint8Array;
  /** What the senders' headers say. */
  readonly headers: Headers;
  /** When they came, in ms since 1970. */
  readonly at: number;
}

/** The flag of a message that is not whole. */
export const cutNote = 1;

/** Told how many messages of a batch were bad. */
export type ReportBad = (bad: {
  /** Not understood: their status is `Invalid`. */
  readonly invalid: number;
  /** Cut at the size limit, or by a connection that ended within them. */
  readonly cut: number;
}) => void;

/** Counts what is bad, and says so now and then: it is delivered all the same. */
export function badReporter(counters: SourceCounters, rare: RareLog): ReportBad {
  return ({ invalid, cut }) => {
    counters.EventReadFail += invalid;
    counters.LineTooLongCount += cut;
    if (invalid > 0) {
      rare.warn(
        { status: invalidStatus },
        'Messages that are no syslog are delivered so marked.',
        invalid,
      );
    }
    if (cut > 0) {
      rare.warn(
        { status: incompleteStatus },
        'Messages are not whole, and are delivered so marked.',
        cut,
      );
    }
  };
}

export const statusHeader = 'flume.syslog.status';
export const invalidStatus = 'Invalid';
export const incompleteStatus = 'Incomplete';

/** The headers of messages with those of their senders, which win as in Flume. */
export function withSenders(headers: Map<string, Column>, senders: Headers): Headers {
  for (const [name, column] of senders) headers.set(name, column);
  return headers;
}
