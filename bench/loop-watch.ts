/**
 * Loaded into an agent (`--import`): how long its main thread ever computed without a turn of the
 * loop, in ms of its own CPU time, after the start. Written to MILLRACE_LOOP_FILE when it ends.
 */
import { writeFileSync } from 'node:fs';

/** Until then modules are loaded. */
const startSeconds = 3;

let blockedMs = 0;
let last = threadCpuMs();
setInterval(() => {
  const now = threadCpuMs();
  if (process.uptime() > startSeconds) blockedMs = Math.max(blockedMs, now - last);
  last = now;
}, 1).unref();
process.on('exit', () => {
  writeFileSync(process.env['MILLRACE_LOOP_FILE'] ?? '/dev/null', String(blockedMs));
});

function threadCpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}
