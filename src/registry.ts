import { findPackageJSON, isBuiltin, registerHooks } from 'node:module';
import { resolve as resolvePath } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { fileChannel } from './channels/file.ts';
import { memoryChannel } from './channels/memory.ts';
import { pseudoTransactionChannel } from './channels/pseudo-transaction.ts';
import { spillableMemoryChannel } from './channels/spillable-memory.ts';
import type { ComponentKind, Definition } from './config/definition.ts';
import { flumeClass } from './config/flume-types.ts';
import type { DefinitionOf, Resolver } from './config/plan.ts';
import { ConfigError } from './core/errors.ts';
import { eventSerializers } from './formats/event-serializers.ts';
import { hostInterceptor } from './interceptors/host.ts';
import { staticInterceptor } from './interceptors/static.ts';
import { timestampInterceptor } from './interceptors/timestamp.ts';
import { replicatingSelector } from './selectors/replicating.ts';
import { fileRollSink } from './sinks/file-roll.ts';
import { loggerSink } from './sinks/logger.ts';
import { nullSink } from './sinks/null.ts';
import { execSource } from './sources/exec.ts';
import { journalSource } from './sources/journal.ts';
import { multiportSyslogTcpSource } from './sources/multiport-syslogtcp.ts';
import { netcatSource } from './sources/netcat.ts';
import { netcatUdpSource } from './sources/netcatudp.ts';
import { seqSource } from './sources/seq.ts';
import { spooldirSource } from './sources/spooldir.ts';
import { stressSource } from './sources/stress.ts';
import { syslogTcpSource } from './sources/syslogtcp.ts';
import { syslogUdpSource } from './sources/syslogudp.ts';
import { taildirSource } from './sources/taildir.ts';

/** Every built-in component, in the order of the reference. Nothing registers itself. */
export const definitions: readonly Definition[] = [
  taildirSource,
  spooldirSource,
  execSource,
  journalSource,
  netcatSource,
  netcatUdpSource,
  syslogTcpSource,
  multiportSyslogTcpSource,
  syslogUdpSource,
  seqSource,
  stressSource,
  memoryChannel,
  fileChannel,
  pseudoTransactionChannel,
  spillableMemoryChannel,
  fileRollSink,
  loggerSink,
  nullSink,
  timestampInterceptor,
  hostInterceptor,
  staticInterceptor,
  replicatingSelector,
  ...eventSerializers,
];

/**
 * Finds what `type` names: a built-in component by alias in any case or by Flume's class name, a
 * file (`./my-sink.ts`, relative to the directory of the configuration), or an npm package that is
 * installed where the configuration is.
 */
export function resolver(baseDirectory: string): Resolver {
  return {
    types: (kind) => definitions.filter((each) => each.kind === kind).map((each) => each.type),
    find: async (kind, type) => builtin(kind, type) ?? (await custom(kind, type, baseDirectory)),
  };
}

/** A built-in component by alias in any case, or by Flume's class name. */
export function builtin<K extends ComponentKind>(
  kind: K,
  type: string,
): DefinitionOf<K> | undefined {
  const isNamed = (each: Definition): each is DefinitionOf<K> =>
    each.kind === kind &&
    (each.type.toLowerCase() === type.toLowerCase() || each.classes?.includes(type) === true);
  return definitions.find(isNamed);
}

const packageName = /^(@[a-z0-9][\w.-]*\/)?[a-z0-9][\w-]*$/;

async function custom(
  kind: ComponentKind,
  type: string,
  baseDirectory: string,
): Promise<Definition | undefined> {
  const isFile = /^\.{0,2}\/|\.[cm]?[jt]s$/.test(type);
  if (!isFile && (!packageName.test(type) || isBuiltin(type) || flumeClass(kind, type))) {
    return undefined;
  }
  provideOwnPackage();
  if (isFile) {
    const url = pathToFileURL(resolvePath(baseDirectory, type)).href;
    return definitionIn(await load(url, type), kind, type);
  }
  const importer = pathToFileURL(`${resolvePath(baseDirectory)}/x.js`).href;
  if (!isInstalled(type, importer)) return undefined;
  return definitionIn(await load(`${packageScheme}${type} ${importer}`, type), kind, type);
}

function isInstalled(name: string, importer: string): boolean {
  try {
    return findPackageJSON(name, importer) !== undefined;
  } catch {
    return false;
  }
}

/**
 * A package as the configuration's directory sees it: the package's name, a blank, an importer
 * there.
 */
const packageScheme = 'millrace-package:';

async function load(url: string, type: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return await import(url);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ConfigError(type, `it cannot be loaded: ${why}`);
  }
}

/** The default export when it defines the kind, else the only export that does. */
function definitionIn(
  module: Readonly<Record<string, unknown>>,
  kind: ComponentKind,
  type: string,
): Definition {
  if (isDefinition(module['default'], kind)) return module['default'];
  const found = Object.values(module).filter((each) => isDefinition(each, kind));
  const [only] = found;
  if (only && found.length === 1) return only;
  const define = `define${kind[0]?.toUpperCase()}${kind.slice(1)}`;
  throw new ConfigError(
    type,
    only
      ? `it exports ${found.length} ${kind}s: make one of them the default export`
      : `it exports no ${kind}: export default ${define}({ … })`,
  );
}

function isDefinition(value: unknown, kind: ComponentKind): value is Definition {
  if (typeof value !== 'object' || value === null) return false;
  const { kind: found, type, fields, create } = value as Partial<Definition>;
  return (
    found === kind &&
    typeof type === 'string' &&
    typeof fields === 'object' &&
    typeof create === 'function'
  );
}

const entries: Readonly<Record<string, string>> = {
  millrace: './index',
  'millrace/testing': './testing/index',
  'millrace/formats': './formats/index',
};

let provided = false;

/**
 * Lets custom components import 'millrace' wherever they lie, also in a clone that is not built:
 * the name always means this very package, so that there is one of it in the process.
 */
function provideOwnPackage(): void {
  if (provided) return;
  provided = true;
  const extension = fileURLToPath(import.meta.url).endsWith('.ts') ? '.ts' : '.js';
  registerHooks({
    resolve: (specifier, context, next) => {
      if (specifier.startsWith(packageScheme)) {
        const [name = '', parentURL] = specifier.slice(packageScheme.length).split(' ');
        return next(name, { ...context, parentURL });
      }
      const entry = Object.hasOwn(entries, specifier) ? entries[specifier] : undefined;
      if (entry === undefined) return next(specifier, context);
      return { url: new URL(entry + extension, import.meta.url).href, shortCircuit: true };
    },
  });
}
