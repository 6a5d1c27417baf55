import { MillraceError } from '../core/errors.ts';
import { HdfsClient } from '../hdfs/client.ts';
import { isRemote } from '../hdfs/errors.ts';
import type { FileStatus } from '../hdfs/file-status.ts';
import { type Command, exitCodes, exitCodesHelp } from './command.ts';
import { describeOptions, type Option, parseOptions, UsageError } from './options.ts';

const defaultSuffix = '.tmp';
const defaultMinutes = '60';
const minuteMs = 60_000;

const options: readonly Option[] = [
  { names: ['--finish'], doc: 'Closes them, and gives them their final names.' },
  {
    names: ['--suffix'],
    value: 'TEXT',
    doc: `What ends the names of files in use: hdfs.inUseSuffix; default ${defaultSuffix}.`,
  },
  { names: ['--prefix'], value: 'TEXT', doc: 'What begins them: hdfs.inUsePrefix; default: none.' },
  {
    names: ['--age'],
    value: 'MINUTES',
    doc: `Leaves files alone that changed since; default ${defaultMinutes}.`,
  },
  {
    names: ['--conf'],
    value: 'DIR',
    doc: 'The folder with core-site.xml and hdfs-site.xml; default: HADOOP_CONF_DIR.',
  },
];

export const hdfsCommand: Command = {
  help: `Usage: millrace hdfs leftovers PATH [options]

Finds the files below PATH that Flume left behind when it died: it never looks at them again, so
they keep their name (.tmp), and mostly stay open. PATH is a directory of HDFS, as in
hdfs://namenode:8020/logs or /logs. What Millrace leaves it looks after by itself.

With --finish each is taken from whoever writes it, closed, and gets its final name; nothing is
overwritten. Stop the Flume agents first, or give an age that none of their files in use has.

Options
${describeOptions(options)}

${exitCodesHelp}`,
  run: runHdfs,
};

/** What is done to each file that is found. */
interface Search {
  readonly hdfs: HdfsClient;
  readonly prefix: string;
  readonly suffix: string;
  /** Files that changed after this, in ms since 1970, are left alone. */
  readonly before: number;
  readonly finishes: boolean;
}

async function runHdfs(args: readonly string[]): Promise<number> {
  const { values, words } = parseOptions(options, args);
  const [verb, path, ...more] = words;
  if (verb !== 'leftovers') throw new UsageError('VERB is leftovers');
  if (!path || more.length > 0) throw new UsageError('one PATH is needed');
  const optionOf = (name: string) => values.get(name)?.at(-1);
  const minutes = Number(optionOf('--age') ?? defaultMinutes);
  if (!(minutes >= 0)) throw new UsageError(`--age is a number of minutes: ${optionOf('--age')}`);
  const [, url, directory = path] = /^(hdfs:\/\/[^/]+)(\/.*)?$/.exec(path) ?? [];
  const hdfs = await HdfsClient.open({ url, confDir: optionOf('--conf') });
  try {
    const found = await look(url ? directory : path, {
      hdfs,
      prefix: optionOf('--prefix') ?? '',
      suffix: optionOf('--suffix') ?? defaultSuffix,
      before: Date.now() - minutes * minuteMs,
      finishes: values.has('--finish'),
    });
    console.log(
      `${found.count} left behind, ${found.finished} finished, ${found.young} too young.`,
    );
    return found.failed > 0 ? exitCodes.failed : exitCodes.ok;
  } catch (error) {
    if (!(error instanceof MillraceError)) throw error;
    console.error(`millrace hdfs: ${error.message}`);
    return exitCodes.failed;
  } finally {
    hdfs.close();
  }
}

interface Found {
  count: number;
  finished: number;
  young: number;
  failed: number;
}

async function look(path: string, search: Search): Promise<Found> {
  const found: Found = { count: 0, finished: 0, young: 0, failed: 0 };
  for await (const status of filesBelow(search.hdfs, path)) {
    const finalPath = finalPathOf(status.path, search);
    if (finalPath === undefined) continue;
    if (status.modifiedAt > search.before) {
      found.young++;
      continue;
    }
    found.count++;
    const state = (await search.hdfs.isClosed(status.path)) ? 'closed' : 'open';
    const since = new Date(status.modifiedAt).toISOString();
    if (!search.finishes) {
      console.log(`${state}  since ${since}  ${status.path}`);
    } else if (await finish(search.hdfs, status.path, finalPath)) {
      found.finished++;
    } else found.failed++;
  }
  return found;
}

async function* filesBelow(hdfs: HdfsClient, path: string): AsyncGenerator<FileStatus> {
  for await (const status of hdfs.list(path)) {
    if (status.type === 'directory') yield* filesBelow(hdfs, status.path);
    else yield status;
  }
}

/** Undefined: it is none of those that are looked for. */
function finalPathOf(path: string, { prefix, suffix }: Search): string | undefined {
  const slash = path.lastIndexOf('/') + 1;
  const name = path.slice(slash);
  const isInUse = name.startsWith(prefix) && name.endsWith(suffix);
  if (!isInUse || name.length <= prefix.length + suffix.length) return undefined;
  return path.slice(0, slash) + name.slice(prefix.length, name.length - suffix.length);
}

/** False: its final name is taken, which is said. */
async function finish(hdfs: HdfsClient, path: string, finalPath: string): Promise<boolean> {
  await hdfs.recoverLease(path);
  try {
    await hdfs.rename(path, finalPath);
  } catch (error) {
    if (!isRemote(error, 'FileAlreadyExistsException')) throw error;
    console.error(`${path}: is closed, but ${finalPath} is there already: it keeps its name`);
    return false;
  }
  console.log(finalPath);
  return true;
}
