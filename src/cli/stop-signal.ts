/**
 * Signals this close to the first are the same one: sent to a whole process group, and passed on.
 */
const sameSignalMs = 300;

/**
 * Aborts at the first SIGTERM, SIGINT or SIGHUP, so that the agent stops in order. A later one ends
 * the process at once, which channels and files must survive anyway.
 */
export function stopSignal(): AbortSignal {
  const stop = new AbortController();
  let firstAt = 0;
  const onSignal = () => {
    const now = performance.now();
    if (!stop.signal.aborted) {
      firstAt = now;
      stop.abort();
    } else if (now - firstAt > sameSignalMs) process.exit(1);
  };
  for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(name, onSignal);
  return stop.signal;
}
