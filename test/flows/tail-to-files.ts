/** The commonest flow there is, as text: taildir → memory → file_roll. */

export interface TailOptions {
  readonly batchSize?: number;
  readonly capacity?: number;
  /** In ms; short ones deliver a last line without a newline soon. */
  readonly idleTimeout?: number;
  /** Further lines of the source (`fileHeader = true`), each without its prefix. */
  readonly source?: readonly string[];
  readonly sink?: readonly string[];
  readonly channel?: readonly string[];
}

/** What it says of its own goes before the options of all. */
export interface Path extends TailOptions {
  /** Every file in it is read. */
  readonly folder: string;
  readonly output: string;
}

/** An agent `a1` with one source, channel and sink for each path. */
export function tailToFiles(paths: readonly Path[], common: TailOptions = {}): string {
  const names = (prefix: string) => paths.map((_, index) => `${prefix}${index}`).join(' ');
  const lines = [`a1.sources = ${names('r')}`];
  lines.push(`a1.channels = ${names('c')}`, `a1.sinks = ${names('k')}`);
  for (const [index, path] of paths.entries()) {
    const options = { ...common, ...path };
    const source = [
      'type = TAILDIR',
      `channels = c${index}`,
      'filegroups = g',
      `filegroups.g = ${path.folder}/.*`,
      `positionFile = ${path.output}.positions.json`,
      'writePosInterval = 100',
      ...setting('batchSize', options.batchSize),
      ...setting('idleTimeout', options.idleTimeout),
      ...(options.source ?? []),
    ];
    const channel = [
      'type = memory',
      ...setting('capacity', options.capacity),
      ...setting('transactionCapacity', options.batchSize),
      ...(options.channel ?? []),
    ];
    const sink = [
      'type = file_roll',
      `channel = c${index}`,
      `sink.directory = ${path.output}`,
      'sink.rollInterval = 0',
      ...setting('sink.batchSize', options.batchSize),
      ...(options.sink ?? []),
    ];
    lines.push(...source.map((line) => `a1.sources.r${index}.${line}`));
    lines.push(...channel.map((line) => `a1.channels.c${index}.${line}`));
    lines.push(...sink.map((line) => `a1.sinks.k${index}.${line}`));
  }
  return `${lines.join('\n')}\n`;
}

function setting(key: string, value: number | undefined): string[] {
  return value === undefined ? [] : [`${key} = ${value}`];
}
