import type { Command } from './command.ts';

/*
 * `millrace COMMAND …`. Each command's file is loaded when it is called, so that `version` and
 * `help` don't wait for what `agent` needs.
 */
const commands: Readonly<Record<string, () => Promise<Command>>> = {
  agent: async () => (await import('./agent.ts')).agentCommand,
  check: async () => (await import('./check.ts')).checkCommand,
  explain: async () => (await import('./explain.ts')).explainCommand,
  demo: async () => (await import('./demo.ts')).demoCommand,
  channel: async () => (await import('./channel.ts')).channelCommand,
  cat: async () => (await import('./cat.ts')).catCommand,
  hdfs: async () => (await import('./hdfs.ts')).hdfsCommand,
  completion: async () => (await import('./completion.ts')).completionCommand,
  version: async () => (await import('./version.ts')).versionCommand,
};

/** Commands that Flume has and Millrace does not have yet, and what to do meanwhile. */
const notYet: Readonly<Record<string, string>> = {
  'avro-client': 'the Avro client is not available yet',
  tool: "Flume's tools are not available yet",
};

async function main(args: readonly string[]): Promise<number> {
  const [first = 'help', ...rest] = args;
  const name = aliases[first] ?? first;
  if (name === 'help') return help(rest[0]);
  if (rest.some((arg) => arg === '-h' || arg === '--help')) return help(name);
  const command = await commandNamed(name);
  if (!command) return 2;
  try {
    return await command.run(rest);
  } catch (error) {
    const { UsageError } = await import('./options.ts');
    if (!(error instanceof UsageError)) throw error;
    console.error(`millrace ${name}: ${error.message}. See: millrace help ${name}`);
    return 2;
  }
}

async function help(name: string | undefined): Promise<number> {
  if (name === undefined || name === 'help') {
    const { overview } = await import('./help.ts');
    console.log(overview);
    return 0;
  }
  const command = await commandNamed(name);
  if (!command) return 2;
  console.log(command.help);
  return 0;
}

/** Says so when there is none. */
async function commandNamed(name: string): Promise<Command | undefined> {
  if (Object.hasOwn(commands, name)) return commands[name]?.();
  const why = Object.hasOwn(notYet, name) ? notYet[name] : 'there is no such command';
  const names = [...Object.keys(commands), 'help'].join(', ');
  console.error(`millrace ${name}: ${why}. Commands: ${names}.`);
  return undefined;
}

const aliases: Readonly<Record<string, string>> = {
  '-h': 'help',
  '--help': 'help',
  '-v': 'version',
  '--version': 'version',
};

// Whoever reads the output has gone: `millrace explain | head`.
process.stdout.on('error', () => process.exit(0));

try {
  process.exit(await main(process.argv.slice(2)));
} catch (error) {
  console.error(error);
  process.exit(1);
}
