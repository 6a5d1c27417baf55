import type { ComponentKind, Definition } from '../config/definition.ts';
import { flumeClass } from '../config/flume-types.ts';
import { nearest } from '../config/nearest.ts';
import { kinds, referenceText } from '../config/reference.ts';
import { type Command, exitCodes } from './command.ts';
import { parseOptions } from './options.ts';

export const explainCommand: Command = {
  help: `Usage: millrace explain [KIND] [TYPE]

Describes a component with all its options: millrace explain taildir. Where several kinds have
the same type, all are printed; KIND picks one: millrace explain sink avro. TYPE may also be a class
name of Flume, or a file or package with a component of your own. Without TYPE, lists what there is.

Kinds: ${kinds.join(', ')}`,
  async run(args) {
    const { words } = parseOptions([], args);
    const { definitions, resolver } = await import('../registry.ts');
    const kind = kinds.find((each) => each === words[0]);
    const type = kind ? words[1] : words[0];
    const asked = kind ? [kind] : kinds;
    if (type === undefined) {
      console.log(overview(definitions, asked));
      return exitCodes.ok;
    }
    const find = resolver('.').find;
    const found: Definition[] = [];
    for (const each of asked) {
      const definition = await findQuietly(find, each, type);
      if (definition) found.push(definition);
    }
    if (found.length === 0) {
      console.error(unknown(definitions, asked, type));
      return exitCodes.failed;
    }
    console.log(found.map(referenceText).join('\n\n').trimEnd());
    return exitCodes.ok;
  },
};

/** A file of another kind than the one asked for is no error here: it is asked for each kind. */
async function findQuietly(
  find: (kind: ComponentKind, type: string) => Promise<Definition | undefined>,
  kind: ComponentKind,
  type: string,
): Promise<Definition | undefined> {
  try {
    return await find(kind, type);
  } catch {
    return undefined;
  }
}

function overview(definitions: readonly Definition[], asked: readonly ComponentKind[]): string {
  const width = Math.max(...definitions.map(({ type }) => type.length).filter((each) => each < 24));
  return asked
    .map((kind) => {
      const lines = definitions
        .filter((each) => each.kind === kind)
        .map(({ type, summary }) => `  ${type.padEnd(width)}  ${summary}`);
      return [`${kind}s`, ...lines].join('\n');
    })
    .join('\n\n');
}

function unknown(
  definitions: readonly Definition[],
  asked: readonly ComponentKind[],
  type: string,
): string {
  const ofFlume = asked.find((kind) => flumeClass(kind, type));
  if (ofFlume) return `Flume's ${ofFlume} ${type} is not in Millrace yet.`;
  const types = definitions.filter(({ kind }) => asked.includes(kind)).map((each) => each.type);
  const meant = nearest(type, types);
  const hint = meant ? `did you mean ${meant}?` : 'millrace explain lists what there is.';
  return `There is no component of type ${type}; ${hint}`;
}
