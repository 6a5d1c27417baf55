import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { ChannelPlace } from '../channels/file/tools/reading.ts';
import { DirectoryInUseError } from '../core/directory-lock.ts';
import { MillraceError } from '../core/errors.ts';
import { silentLogger } from '../core/log.ts';
import { nodeDisk } from '../core/node-disk.ts';
import { placeOf, placeOptions } from './channel/place.ts';
import { type Command, exitCodes } from './command.ts';
import { UnreadableConfiguration } from './configuration.ts';
import {
  describeOptions,
  type Option,
  type ParsedOptions,
  parseOptions,
  UsageError,
} from './options.ts';

const options: readonly Option[] = [
  ...placeOptions,
  { names: ['--from'], value: 'SEQ', doc: 'export: the first sequence.' },
  { names: ['--to'], value: 'SEQ', doc: 'export: the sequence before which it ends.' },
  { names: ['--raw'], doc: 'export: the bodies alone, each with a newline.' },
  { names: ['--input'], value: 'FILE', doc: 'replay: the lines; without it, standard input.' },
];

export const channelCommand: Command = {
  help: `Usage: millrace channel VERB DIR… [options]

Looks into a file channel and mends it. DIR is its data directory; give all of them, if there are
several. One that is encrypted is named by its configuration, which names its keys.

Verbs
  status   what it holds, also beside a running agent
  check    reads every record, and says what is damaged and what that means
  repair   writes a new log from all that can be read, and says what is gone; the old directories
           are kept as DIR.damaged-DATE. The agent must be stopped.
  export   prints the events that are not delivered yet, as lines of JSON
  replay   puts lines that export has printed into a channel, as new events. The agent must be
           stopped.

Options
${describeOptions(options)}

Exit codes
  0  done; for check: no damage
  1  it failed; for check: there is damage
  2  the command line or the configuration is wrong`,
  run: runChannel,
};

type Verb = (place: ChannelPlace, parsed: ParsedOptions) => Promise<number>;

const verbs: Readonly<Record<string, Verb>> = { status, check, repair, export: print, replay };

async function runChannel(args: readonly string[]): Promise<number> {
  const parsed = parseOptions(options, args);
  const [name, ...words] = parsed.words;
  const verb = name !== undefined && Object.hasOwn(verbs, name) ? verbs[name] : undefined;
  if (!verb) throw new UsageError(`VERB is one of ${Object.keys(verbs).join(', ')}`);
  try {
    return await verb(await placeOf(parsed, words), parsed);
  } catch (error) {
    if (error instanceof UnreadableConfiguration) throw new UsageError(error.message);
    if (!isForPeople(error)) throw error;
    console.error(`millrace channel ${name}: ${error.message}`);
    if (error.cause instanceof Error) console.error(`  because: ${error.cause.message}`);
    return exitCodes.failed;
  }
}

/** Errors of the operating system have a code, and say what could not be done. */
function isForPeople(error: unknown): error is Error {
  if (error instanceof MillraceError || error instanceof DirectoryInUseError) return true;
  return error instanceof Error && ('code' in error || error.name === 'LineError');
}

/** What the agent does meanwhile may look like damage: then it is looked at again. */
const attempts = 5;
const pauseMs = 100;

async function status(place: ChannelPlace): Promise<number> {
  const { channelStatus } = await import('../channels/file/tools/status.ts');
  const { statusText } = await import('./channel/texts.ts');
  const found = await again(place, () => channelStatus(place, nodeDisk));
  console.log(statusText(place, found, Date.now()));
  return exitCodes.ok;
}

async function check(place: ChannelPlace): Promise<number> {
  const { surveyChannel } = await import('../channels/file/tools/survey.ts');
  const { checkText } = await import('./channel/texts.ts');
  const isSound = ({ damage }: { damage: readonly unknown[] }) => damage.length === 0;
  const survey = await again(place, () => surveyChannel(place, nodeDisk), isSound);
  console.log(checkText(survey));
  return isSound(survey) ? exitCodes.ok : exitCodes.failed;
}

async function again<T>(
  place: ChannelPlace,
  look: () => Promise<T>,
  isGood: (found: T) => boolean = () => true,
): Promise<T> {
  const { holderOfAny } = await import('../channels/file/tools/status.ts');
  for (let attempt = 1; ; attempt++) {
    const isLast = attempt === attempts || (await holderOfAny(place)) === undefined;
    try {
      const found = await look();
      if (isLast || isGood(found)) return found;
    } catch (error) {
      if (isLast) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}

async function repair(place: ChannelPlace): Promise<number> {
  const { repairChannel } = await import('../channels/file/tools/repair.ts');
  const { seams } = await import('../channels/file/tools/reading.ts');
  const { repairText } = await import('./channel/texts.ts');
  const { takeOwnerFrom } = await import('./channel/ownership.ts');
  const repaired = await repairChannel(place, { ...seams, disk: nodeDisk });
  for (const [directory, old] of repaired.moved) takeOwnerFrom(old, directory);
  console.log(repairText(repaired));
  return exitCodes.ok;
}

async function print(place: ChannelPlace, parsed: ParsedOptions): Promise<number> {
  const { liveEvents, lineOf } = await import('../channels/file/tools/export.ts');
  const { openForReading } = await import('../channels/file/tools/reading.ts');
  const from = sequenceOf(parsed, '--from') ?? 0;
  const to = sequenceOf(parsed, '--to') ?? Number.POSITIVE_INFINITY;
  const isRaw = parsed.values.has('--raw');
  const newline = Buffer.from('\n');
  for await (const event of liveEvents(await openForReading(place, nodeDisk), nodeDisk)) {
    if (event.sequence >= to) break;
    if (event.sequence < from) continue;
    await write(isRaw ? Buffer.concat([event.body, newline]) : lineOf(event));
  }
  return exitCodes.ok;
}

/** Waits while whoever reads is slower. */
async function write(chunk: Buffer | string): Promise<void> {
  if (!process.stdout.write(chunk)) await once(process.stdout, 'drain');
}

function sequenceOf(parsed: ParsedOptions, name: string): number | undefined {
  const text = parsed.values.get(name)?.[0];
  if (text === undefined) return undefined;
  if (!/^\d{1,15}$/.test(text)) throw new UsageError(`${name} needs a number, not "${text}"`);
  return Number(text);
}

async function replay(place: ChannelPlace, parsed: ParsedOptions): Promise<number> {
  const { putLines } = await import('../channels/file/tools/put-lines.ts');
  const { seams } = await import('../channels/file/tools/reading.ts');
  const file = parsed.values.get('--input')?.[0];
  const input = file === undefined ? process.stdin : createReadStream(file);
  const count = await putLines(place, linesOf(input), { ...seams, disk: nodeDisk }, silentLogger);
  console.log(`${count} events were put.`);
  return exitCodes.ok;
}

/** Begins to read when the first line is asked for: what comes earlier would be dropped. */
async function* linesOf(input: NodeJS.ReadableStream): AsyncGenerator<string> {
  // An error of the file is none of readline.
  const failed = once(input, 'error').then(([error]: unknown[]) => Promise.reject(error));
  failed.catch(() => {});
  const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
  const iterator = lines[Symbol.asyncIterator]();
  for (;;) {
    const next = await Promise.race([iterator.next(), failed]);
    if (next.done) return;
    yield next.value;
  }
}
