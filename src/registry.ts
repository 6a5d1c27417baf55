import { findPackageJSON, isBuiltin, registerHooks } from 'node:module';
import { resolve as resolvePath } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { ComponentKind, Definition } from './config/definition.ts';
import { flumeClass } from './config/flume-types.ts';
import type { DefinitionOf, Resolver } from './config/plan.ts';
import { ConfigError } from './core/errors.ts';

/** A built-in component, before it is loaded: a configuration waits only for those it names. */
interface Builtin<K extends ComponentKind> {
  /** The `classes` of the definition. */
  readonly classes?: readonly string[];
  readonly load: () => Promise<DefinitionOf<K>>;
}

/**
 * Every built-in component by its kind and its `type`, in the order of the reference. Nothing
 * registers itself; `registry.test.ts` holds each line to the definition that it loads.
 */
export const builtins: { readonly [K in ComponentKind]: Readonly<Record<string, Builtin<K>>> } = {
  source: {
    taildir: {
      classes: ['org.apache.flume.source.taildir.TaildirSource'],
      load: async () => (await import('./sources/taildir.ts')).taildirSource,
    },
    spooldir: {
      classes: ['org.apache.flume.source.SpoolDirectorySource'],
      load: async () => (await import('./sources/spooldir.ts')).spooldirSource,
    },
    exec: {
      classes: ['org.apache.flume.source.ExecSource'],
      load: async () => (await import('./sources/exec.ts')).execSource,
    },
    journal: {
      load: async () => (await import('./sources/journal.ts')).journalSource,
    },
    netcat: {
      classes: ['org.apache.flume.source.NetcatSource'],
      load: async () => (await import('./sources/netcat.ts')).netcatSource,
    },
    netcatudp: {
      classes: ['org.apache.flume.source.NetcatUdpSource'],
      load: async () => (await import('./sources/netcatudp.ts')).netcatUdpSource,
    },
    syslogtcp: {
      classes: ['org.apache.flume.source.SyslogTcpSource'],
      load: async () => (await import('./sources/syslogtcp.ts')).syslogTcpSource,
    },
    multiport_syslogtcp: {
      classes: ['org.apache.flume.source.MultiportSyslogTCPSource'],
      load: async () => (await import('./sources/multiport-syslogtcp.ts')).multiportSyslogTcpSource,
    },
    syslogudp: {
      classes: ['org.apache.flume.source.SyslogUDPSource'],
      load: async () => (await import('./sources/syslogudp.ts')).syslogUdpSource,
    },
    seq: {
      classes: ['org.apache.flume.source.SequenceGeneratorSource'],
      load: async () => (await import('./sources/seq.ts')).seqSource,
    },
    stress: {
      classes: ['org.apache.flume.source.StressSource'],
      load: async () => (await import('./sources/stress.ts')).stressSource,
    },
  },
  channel: {
    memory: {
      classes: ['org.apache.flume.channel.MemoryChannel'],
      load: async () => (await import('./channels/memory.ts')).memoryChannel,
    },
    file: {
      classes: ['org.apache.flume.channel.file.FileChannel'],
      load: async () => (await import('./channels/file.ts')).fileChannel,
    },
    'org.apache.flume.channel.PseudoTxnMemoryChannel': {
      load: async () => (await import('./channels/pseudo-transaction.ts')).pseudoTransactionChannel,
    },
    spillablememory: {
      classes: ['org.apache.flume.channel.SpillableMemoryChannel'],
      load: async () => (await import('./channels/spillable-memory.ts')).spillableMemoryChannel,
    },
  },
  sink: {
    file_roll: {
      classes: ['org.apache.flume.sink.RollingFileSink'],
      load: async () => (await import('./sinks/file-roll.ts')).fileRollSink,
    },
    hdfs: {
      classes: ['org.apache.flume.sink.hdfs.HDFSEventSink'],
      load: async () => (await import('./sinks/hdfs.ts')).hdfsSink,
    },
    logger: {
      classes: ['org.apache.flume.sink.LoggerSink'],
      load: async () => (await import('./sinks/logger.ts')).loggerSink,
    },
    null: {
      classes: ['org.apache.flume.sink.NullSink'],
      load: async () => (await import('./sinks/null.ts')).nullSink,
    },
  },
  interceptor: {
    timestamp: {
      classes: ['org.apache.flume.interceptor.TimestampInterceptor$Builder'],
      load: async () => (await import('./interceptors/timestamp.ts')).timestampInterceptor,
    },
    host: {
      classes: ['org.apache.flume.interceptor.HostInterceptor$Builder'],
      load: async () => (await import('./interceptors/host.ts')).hostInterceptor,
    },
    static: {
      classes: ['org.apache.flume.interceptor.StaticInterceptor$Builder'],
      load: async () => (await import('./interceptors/static.ts')).staticInterceptor,
    },
  },
  selector: {
    replicating: {
      classes: ['org.apache.flume.channel.ReplicatingChannelSelector'],
      load: async () => (await import('./selectors/replicating.ts')).replicatingSelector,
    },
  },
  serializer: {
    text: {
      classes: [
        'org.apache.flume.serialization.BodyTextEventSerializer',
        'org.apache.flume.serialization.BodyTextEventSerializer$Builder',
      ],
      load: async () => (await import('./formats/text.ts')).textSerializer,
    },
    header_and_text: {
      classes: [
        'org.apache.flume.serialization.HeaderAndBodyTextEventSerializer',
        'org.apache.flume.serialization.HeaderAndBodyTextEventSerializer$Builder',
      ],
      load: async () => (await import('./formats/header-and-text.ts')).headerAndTextSerializer,
    },
    json: {
      load: async () => (await import('./formats/json-lines.ts')).jsonLinesSerializer,
    },
    csv: {
      load: async () => (await import('./formats/csv.ts')).csvSerializer,
    },
    avro_event: {
      classes: [
        'org.apache.flume.serialization.FlumeEventAvroEventSerializer',
        'org.apache.flume.serialization.FlumeEventAvroEventSerializer$Builder',
      ],
      load: async () => (await import('./formats/avro-event.ts')).avroEventSerializer,
    },
    avro_body: {
      classes: [
        'org.apache.flume.sink.hdfs.AvroEventSerializer',
        'org.apache.flume.sink.hdfs.AvroEventSerializer$Builder',
        'org.apache.flume.serialization.AvroEventSerializer',
        'org.apache.flume.serialization.AvroEventSerializer$Builder',
      ],
      load: async () => (await import('./formats/avro-body.ts')).avroBodySerializer,
    },
    sequence_file: {
      load: async () => (await import('./formats/sequence-file.ts')).sequenceFileSerializer,
    },
    parquet: {
      load: async () => (await import('./formats/parquet.ts')).parquetSerializer,
    },
  },
};

/** The definitions of all built-in components, loaded: for what is about all of them. */
export async function allDefinitions(): Promise<readonly Definition[]> {
  const tables: readonly Record<string, { load(): Promise<Definition> }>[] =
    Object.values(builtins);
  return Promise.all(tables.flatMap(Object.values).map(({ load }) => load()));
}

/**
 * Finds what `type` names: a built-in component by alias in any case or by Flume's class name, a
 * file (`./my-sink.ts`, relative to the directory of the configuration), or an npm package that is
 * installed where the configuration is.
 */
export function resolver(baseDirectory: string): Resolver {
  return {
    types: (kind) => Object.keys(builtins[kind]),
    find: async (kind, type) =>
      (await builtin(kind, type)) ?? (await custom(kind, type, baseDirectory)),
  };
}

/** A built-in component by alias in any case, or by Flume's class name. */
export async function builtin<K extends ComponentKind>(
  kind: K,
  type: string,
): Promise<DefinitionOf<K> | undefined> {
  const table: Readonly<Record<string, Builtin<K>>> = builtins[kind];
  const found = Object.entries(table).find(
    ([each, { classes }]) =>
      each.toLowerCase() === type.toLowerCase() || classes?.includes(type) === true,
  );
  return found?.[1].load();
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
