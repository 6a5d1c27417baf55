import type { EventBatch } from './event-batch.ts';

/**
 * Changes events on their way from a source to its channels: sets headers, drops events. A function
 * of the batch: what it suppresses still counts as read (`filter` sees to that). A batch may pass
 * more than once, when a channel was full or after a crash.
 */
export type Interceptor = (batch: EventBatch) => EventBatch | Promise<EventBatch>;
