import type { Block } from '../blocks.ts';
import type { SelectorDefinition } from '../definition.ts';
import type { AnyConfig, ChannelPlan, InterceptorPlan, SourcePlan } from '../plan.ts';
import type { Property } from '../properties.ts';
import { configValue, readConfig } from '../read-config.ts';
import { adviseOn } from './advice.ts';
import type { Listed, PlanScope } from './scope.ts';
import { fits } from './sinks.ts';

/** Keys of every source, beside its own. */
const foreignKeys = ['type', 'channels', 'interceptors', 'selector.type', 'config'];

/** Flume's own, in ms. */
const defaultBackoffSleepIncrement = 1000;
const defaultMaxBackoffSleep = 5000;

/** Of the sources that are listed, those that can work. */
export async function planSources(
  scope: PlanScope,
  channels: readonly ChannelPlan[],
): Promise<SourcePlan[]> {
  const plans: SourcePlan[] = [];
  for (const listed of scope.listed('sources')) {
    const plan = await planSource(scope, listed, channels);
    if (plan) plans.push(plan);
  }
  return plans;
}

async function planSource(
  scope: PlanScope,
  listed: Listed,
  channels: readonly ChannelPlan[],
): Promise<SourcePlan | undefined> {
  const { name, block, type } = listed;
  const ifBad = `The source ${name} is left out.`;
  adviseOn(scope, listed);
  const wired = channelsOf(scope, listed, channels, ifBad);
  const interceptors = await planInterceptors(scope, listed, ifBad);
  const selector = await planSelector(scope, listed, ifBad);
  const definition = await scope.definition('source', type, ifBad);
  if (!definition) return undefined;
  const { config, findings } = readConfig(definition.fields, block, {
    check: (values) => definition.check?.(values) ?? [],
    isForeign: (key) => foreignKeys.includes(key) || /^(interceptors|selector)\./.test(key),
    foreignKeys,
    place: type,
    ifBad,
  });
  scope.findings.push(...findings);
  if (!config || !interceptors || !selector || wired.length === 0) return undefined;
  if (!fits(scope, 'source', listed, definition.batchSize?.(config), wired)) return undefined;
  const number = (key: string, otherwise: number) => {
    const value = configValue(definition.fields, config, key);
    return typeof value === 'number' ? value : otherwise;
  };
  return {
    name,
    definition,
    config,
    block,
    channels: wired.map((channel) => channel.name),
    interceptors,
    selector,
    backoffSleepIncrement: number('backoffSleepIncrement', defaultBackoffSleepIncrement),
    maxBackoffSleep: number('maxBackoffSleep', defaultMaxBackoffSleep),
  };
}

function channelsOf(
  scope: PlanScope,
  { name, block, type }: Listed,
  channels: readonly ChannelPlan[],
  ifBad: string,
): ChannelPlan[] {
  const property = block.properties.get('channels');
  if (!property) {
    const key = `${block.prefix}channels`;
    scope.add(
      'error',
      'missing-channel',
      { ...type, key },
      {
        what: `${key} is missing: the channels that the source ${name} writes to.`,
        consequence: `${ifBad} So it is in Flume.`,
        suggestion: block.properties.has('channel')
          ? 'A source may have several: write channels, with s.'
          : undefined,
      },
    );
    return [];
  }
  const wired: ChannelPlan[] = [];
  const bad: string[] = [];
  for (const word of new Set(property.value.split(/\s+/))) {
    const channel = channels.find((each) => each.name === word);
    if (channel) wired.push(channel);
    else bad.push(word);
  }
  for (const word of bad) {
    const listed = scope.names('channels').includes(word);
    const comma = 'Names are separated by blanks, not by commas.';
    scope.add('error', 'unknown-channel', property, {
      what: listed
        ? `${property.key}: the channel ${word} was left out.`
        : `${property.key}: there is no channel ${word}.`,
      consequence: wired.length === 0 ? ifBad : `The source ${name} runs without it, as in Flume.`,
      suggestion: /[,;]/.test(word) ? comma : scope.suggestChannel(word),
    });
  }
  return wired;
}

/** Undefined when one of them can't work: as in Flume, the source goes with it. */
async function planInterceptors(
  scope: PlanScope,
  { block }: Listed,
  ifBad: string,
): Promise<InterceptorPlan[] | undefined> {
  const list = block.properties.get('interceptors');
  const names = [...new Set(list?.value.split(/\s+/) ?? [])];
  sayUnlisted(scope, block, names);
  const plans: InterceptorPlan[] = [];
  for (const name of names) {
    const own = subBlock(block, `interceptors.${name}.`, '');
    const type = own.properties.get('type');
    if (!type) {
      const comma = 'Names are separated by blanks, not by commas.';
      scope.add(
        'error',
        'missing-type',
        { ...list, key: `${own.prefix}type` },
        {
          what: `${own.prefix}type is missing: the kind of interceptor ${name} is.`,
          consequence: ifBad,
          suggestion: /[,;]/.test(name) ? comma : undefined,
        },
      );
      continue;
    }
    const definition = await scope.definition('interceptor', type, ifBad);
    if (!definition) continue;
    const { config, findings } = readConfig(definition.fields, own, {
      check: (values) => definition.check?.(values) ?? [],
      isForeign: (key) => key === 'type',
      place: type,
      ifBad,
    });
    scope.findings.push(...findings);
    if (config) plans.push({ name, definition, config });
  }
  return plans.length === names.length ? plans : undefined;
}

function sayUnlisted(scope: PlanScope, block: Block, names: readonly string[]): void {
  const said = new Set(names);
  for (const [key, property] of block.properties) {
    const [, name] = /^interceptors\.([^.]+)\./.exec(key) ?? [];
    if (name === undefined || said.has(name)) continue;
    said.add(name);
    scope.add('warning', 'unlisted-component', property, {
      what: `The interceptor ${name} is not listed in ${block.prefix}interceptors.`,
      consequence: 'Its lines have no effect, as in Flume.',
      suggestion: `Add ${name} to ${block.prefix}interceptors, or remove its lines.`,
    });
  }
}

async function planSelector(
  scope: PlanScope,
  { block, type }: Listed,
  ifBad: string,
): Promise<{ definition: SelectorDefinition; config: AnyConfig } | undefined> {
  const own = subBlock(block, 'selector.', 'selector.');
  const [first] = own.properties.values();
  const implied = { ...(first ?? type), key: `${block.prefix}selector.type`, value: 'replicating' };
  const named = own.properties.get('selector.type') ?? implied;
  const definition = await scope.definition('selector', named, ifBad);
  if (!definition) return undefined;
  const { config, findings } = readConfig(definition.fields, own, {
    check: (values) => definition.check?.(values) ?? [],
    isForeign: (key) => key === 'selector.type',
    foreignKeys: ['selector.type'],
    place: named,
    ifBad,
  });
  scope.findings.push(...findings);
  const routed = routesExist(scope, definition.type, own, block.properties.get('channels'), ifBad);
  return config && routed ? { definition, config } : undefined;
}

/** Do the channels that Flume's own selectors name belong to the source? */
function routesExist(
  scope: PlanScope,
  selector: string,
  own: Block,
  channels: Property | undefined,
  ifBad: string,
): boolean {
  if (selector !== 'replicating' && selector !== 'multiplexing') return true;
  const known = channels?.value.split(/\s+/) ?? [];
  let ok = true;
  for (const [key, property] of own.properties) {
    if (!/^selector\.(optional|default$|mapping\.)/.test(key)) continue;
    for (const word of property.value.split(/\s+/)) {
      if (known.includes(word)) continue;
      const fatal = selector === 'multiplexing';
      if (fatal) ok = false;
      scope.add(fatal ? 'error' : 'warning', 'unknown-channel', property, {
        what: `${property.key}: ${word} is no channel of this source.`,
        consequence: fatal ? `${ifBad} So it is in Flume.` : 'The name is ignored.',
        suggestion: scope.suggestChannel(word),
      });
    }
  }
  return ok;
}

/** The lines of a block that begin with `start`, with `keep` in its place. */
function subBlock(block: Block, start: string, keep: string): Block {
  const properties = new Map<string, Property>();
  for (const [key, property] of block.properties) {
    if (key.startsWith(start) && key !== start)
      properties.set(keep + key.slice(start.length), property);
  }
  return { prefix: block.prefix + (keep === '' ? start : ''), properties };
}
