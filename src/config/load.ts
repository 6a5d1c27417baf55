import type { AgentBlocks } from './blocks.ts';
import { splitAgents } from './blocks.ts';
import type { Finding } from './finding.ts';
import type { LookupContext } from './lookups.ts';
import { resolveLookups } from './lookups.ts';
import { mergeProperties, type Property, parseProperties } from './properties.ts';
import { remarks } from './remarks.ts';

export interface ConfigurationFile {
  /** As the user gave it. */
  readonly file: string;
  readonly bytes: Buffer;
}

/** Everything that the files of one `-f` list say, for all their agents. */
export interface Configuration {
  readonly files: readonly string[];
  readonly agents: ReadonlyMap<string, AgentBlocks>;
  /** Per full key, the `${…}` that stayed as text. A config filter may still know them. */
  readonly unresolved: ReadonlyMap<string, readonly string[]>;
  readonly findings: readonly Finding[];
}

/**
 * Reads the files, the later ones over the earlier ones.
 *
 * @throws FormatError when one is no .properties file
 */
export function loadConfiguration(
  files: readonly ConfigurationFile[],
  context: LookupContext,
): Configuration {
  const merged = mergeProperties(files.map(({ file, bytes }) => parseProperties(bytes, file)));
  const resolved = resolveLookups(merged.properties, context);
  const split = splitAgents(resolved.properties.values());
  const isReferred = referredIn(merged.properties.values());
  return {
    files: files.map(({ file }) => file),
    agents: split.agents,
    unresolved: resolved.unresolved,
    findings: [
      ...remarks(merged),
      ...resolved.findings,
      ...split.findings.filter((each) => !isReferred(each)),
    ],
  };
}

/** Is a finding about a property that is there for other values to refer to? */
function referredIn(properties: Iterable<Property>): (found: Finding) => boolean {
  const referred = new Set<string>();
  for (const { value } of properties) {
    for (const [, name = ''] of value.matchAll(/\$\{([^${}:]+)(?=\}|:-)/g)) referred.add(name);
  }
  return ({ code, key = '' }) => code === 'not-an-agent-key' && referred.has(key);
}
