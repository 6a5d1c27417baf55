/**
 * The syslog daemons that users have, as senders: started with a configuration of their own, in the
 * foreground, and reading from a socket of their own. They touch nothing of the machine's.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { AgentProcess } from './agent-process.ts';
import { testbedFolder } from './flume.ts';

/** Why one can't be used, as one line for the `skip` of a test; `false` when it can. */
export function loggerMissing(): string | false {
  return runs('logger', ['--version']) ? false : 'needs logger, of util-linux';
}

export function rsyslogMissing(): string | false {
  const why = 'needs rsyslogd: apt-get install rsyslog rsyslog-openssl';
  return runs('rsyslogd', ['-v']) ? false : why;
}

export function syslogNgMissing(): string | false {
  const { command, env } = syslogNg();
  return runs(command, ['--version'], env)
    ? false
    : 'needs syslog-ng, on the path or unpacked; see testbed/README.md';
}

/** Sends the messages, one after the other, by a `logger` with these options. */
export function logWith(options: readonly string[], messages: readonly string[]): void {
  const input = messages.map((message) => `${message}\n`).join('');
  const { status, stderr } = spawnSync('logger', options, { input, encoding: 'utf8' });
  if (status !== 0) throw new Error(`logger ${options.join(' ')}: ${stderr}`);
}

/** @param conf path of the configuration; @param folder where it may write */
export function startRsyslog(conf: string, folder: string): AgentProcess {
  return AgentProcess.start({
    command: 'rsyslogd',
    args: ['-n', '-f', conf, '-i', join(folder, 'rsyslog.pid')],
    cwd: folder,
    logPath: join(folder, 'rsyslog.log'),
  });
}

/** @param conf path of the configuration; @param folder where it may write */
export function startSyslogNg(conf: string, folder: string): AgentProcess {
  const { command, args, env } = syslogNg();
  return AgentProcess.start({
    command,
    args: [
      ...args,
      ...['--foreground', '--stderr', '--no-caps', '--cfgfile', conf],
      ...['--persist-file', join(folder, 'syslog-ng.persist')],
      ...['--pidfile', join(folder, 'syslog-ng.pid')],
      ...['--control', join(folder, 'syslog-ng.ctl')],
    ],
    env,
    cwd: folder,
    logPath: join(folder, 'syslog-ng.log'),
  });
}

/** The installed one, or what its Debian package holds, unpacked in the testbed's folder. */
function syslogNg(): { command: string; args: string[]; env: Record<string, string> } {
  const root = join(testbedFolder(), 'syslog-ng');
  const libraries = join(root, 'usr/lib/syslog-ng');
  if (runs('syslog-ng', ['--version']) || !existsSync(libraries)) {
    return { command: 'syslog-ng', args: [], env: {} };
  }
  const version = readdirSync(libraries).find((name) => /^\d/.test(name)) ?? '';
  return {
    command: join(root, 'usr/sbin/syslog-ng'),
    args: ['--module-path', join(libraries, version)],
    env: { LD_LIBRARY_PATH: libraries },
  };
}

function runs(command: string, args: readonly string[], env: Record<string, string> = {}): boolean {
  return (
    spawnSync(command, args, { stdio: 'ignore', env: { ...process.env, ...env } }).status === 0
  );
}
