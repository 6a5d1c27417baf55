/** What a running process has used so far, from Linux's /proc. */
import { readdirSync, readFileSync } from 'node:fs';

/** Linux counts in hundredths of a second on every machine that Node supports. */
const ticksPerSecond = 100;

/** User and system time of all its threads, in seconds; exact to 0.01 s. */
export function cpuSeconds(pid: number): number {
  return ticksOf(statusText(pid, 'stat')) / ticksPerSecond;
}

/** The same for the threads that live now, by their names. */
export function cpuSecondsByThread(pid: number): ReadonlyMap<string, number> {
  const seconds = new Map<string, number>();
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const name = statusText(pid, `task/${thread}/comm`).trim();
    const used = ticksOf(statusText(pid, `task/${thread}/stat`)) / ticksPerSecond;
    seconds.set(name, (seconds.get(name) ?? 0) + used);
  }
  return seconds;
}

function ticksOf(stat: string): number {
  // The name stands in brackets and may hold blanks: count the fields from behind it.
  const fields = stat.replace(/^.*\) /s, '').split(' ');
  return Number(fields[11]) + Number(fields[12]);
}

/** The most memory it ever had resident (VmHWM), in bytes. */
export function peakResidentBytes(pid: number): number {
  return statusKilobytes(pid, 'VmHWM') * 1024;
}

/** The memory it has resident now (VmRSS), in bytes. */
export function residentBytes(pid: number): number {
  return statusKilobytes(pid, 'VmRSS') * 1024;
}

export interface CallCounts {
  readonly readCalls: number;
  readonly writeCalls: number;
  readonly readBytes: number;
  readonly writtenBytes: number;
}

/** The calls that read and write so far, and the bytes that they moved, files and pipes alike. */
export function callCounts(pid: number): CallCounts {
  const lines = statusText(pid, 'io').trim().split('\n');
  const counts = new Map(lines.map((line) => line.split(': ')).map(([k, v]) => [k, Number(v)]));
  const count = (name: string) => counts.get(name) ?? Number.NaN;
  return {
    readCalls: count('syscr'),
    writeCalls: count('syscw'),
    readBytes: count('rchar'),
    writtenBytes: count('wchar'),
  };
}

function statusKilobytes(pid: number, name: string): number {
  const match = new RegExp(`^${name}:\\s*(\\d+) kB$`, 'm').exec(statusText(pid, 'status'));
  if (!match) throw new Error(`/proc/${pid}/status has no ${name}`);
  return Number(match[1]);
}

function statusText(pid: number, file: string): string {
  return readFileSync(`/proc/${pid}/${file}`, 'utf8');
}
