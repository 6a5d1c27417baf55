import type { Clock } from '../core/clock.ts';
import { ConnectionError } from '../core/errors.ts';

/**
 * The call's own outcome, if that comes within `ms`; 0: whenever it comes. A call that is late goes
 * on: its outcome is unknown.
 *
 * @param what what is done, for the message
 * @throws ConnectionError when it is late
 */
export async function within<T>(
  clock: Clock,
  ms: number,
  what: string,
  call: Promise<T>,
): Promise<T> {
  if (ms === 0) return call;
  const over = new AbortController();
  const late = clock.sleep(ms, over.signal).then(() => {
    if (!over.signal.aborted) throw new ConnectionError(`${what}: not done within ${ms} ms`);
  });
  try {
    return (await Promise.race([call, late])) as T;
  } finally {
    // With a reason, since making one would cost as much as the rest.
    over.abort('done');
  }
}
