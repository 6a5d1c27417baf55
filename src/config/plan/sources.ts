import type { Block } from '../blocks.ts';
import type { SelectorDefinition } from '../definition.ts';
import { nearest } from '../nearest.ts';
import { atKey, atKeyPart, atValue, missingAt } from '../places.ts';
import type { AnyConfig, ChannelPlan, InterceptorPlan, SourcePlan } from '../plan.ts';
import type { Property } from '../properties.ts';
import { configValue } from '../read-config.ts';
import { fits } from './batches.ts';
import { below, readComponent } from './read-component.ts';
import type { Component, Listed, PlanScope } from './scope.ts';
import { separatorHint } from './scope.ts';

/** Keys of every source, beside its own; with a dot at the end, what they begin with. */
const foreignKeys = [
  'type',
  'channels',
  'config',
  'interceptors',
  'interceptors.',
  'selector.type',
  'selector.header',
  'selector.default',
  'selector.optional',
  'selector.',
];

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
  const left = `The source ${name} is left out`;
  const wired = channelsOf(scope, listed, channels, left);
  const meaning = await scope.meaning('source', type, `${left}.`);
  const component: Component = { ...listed, ...meaning, kind: 'source' };
  scope.components.push(component);
  const interceptors = await planInterceptors(scope, listed, left);
  const selector = await planSelector(scope, listed, left);
  // A source without channels, but with a channel, has been told so.
  const foreign = block.properties.has('channels') ? foreignKeys : [...foreignKeys, 'channel'];
  const config = await readComponent(scope, component, foreign, left);
  const isSmall = fits(scope, component, config, left);
  const { definition } = meaning;
  if (!definition || !config || !interceptors || !selector || !isSmall) return undefined;
  if (wired.length === 0) return undefined;
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
  left: string,
): ChannelPlan[] {
  const property = block.properties.get('channels');
  if (!property) {
    const key = `${block.prefix}channels`;
    const wrong = block.properties.get('channel');
    scope.add('error', 'missing-channel', missingAt(key, wrong ?? type), {
      what: `${key} is missing: the channels that the source ${name} writes to.`,
      consequence: `${left}, here as in Flume.`,
      suggestion: wrong
        ? 'A source may have several: write channels, with s.'
        : `Write ${key} = ${scope.names('channels')[0] ?? '…'}.`,
    });
    return [];
  }
  const wired: ChannelPlan[] = [];
  const bad: string[] = [];
  for (const word of new Set(property.value.split(/\s+/))) {
    const channel = channels.find((each) => each.name === word);
    if (channel) wired.push(channel);
    // One that is listed was left out: then a finding of its own says what goes with it.
    else if (separatorHint(word) || !scope.names('channels').includes(word)) bad.push(word);
  }
  for (const word of bad) {
    scope.add('error', 'unknown-channel', atValue(property, word), {
      what: `There is no channel ${word}.`,
      consequence:
        wired.length === 0
          ? `${left}, here as in Flume.`
          : `The source ${name} runs without it, here as in Flume.`,
      suggestion: separatorHint(word) ?? scope.suggestChannel(word),
    });
  }
  return wired;
}

/** Undefined when one of them can't work: as in Flume, the source goes with it. */
async function planInterceptors(
  scope: PlanScope,
  { block }: Listed,
  left: string,
): Promise<InterceptorPlan[] | undefined> {
  const list = block.properties.get('interceptors');
  const names = [...new Set(list?.value.split(/\s+/) ?? [])];
  sayUnlisted(scope, block, names, list);
  sayIncomplete(scope, block);
  const plans: InterceptorPlan[] = [];
  for (const name of names) {
    const own = below(block, `interceptors.${name}.`);
    const type = own.properties.get('type');
    if (!type) {
      sayNoType(scope, block, own, name, names, list, left);
      continue;
    }
    const meaning = await scope.meaning('interceptor', type, `${left}.`);
    const config = await readComponent(scope, { block: own, type, ...meaning }, ['type'], left);
    const { definition } = meaning;
    if (definition && config) plans.push({ name, definition, config });
  }
  return plans.length === names.length ? plans : undefined;
}

function sayNoType(
  scope: PlanScope,
  block: Block,
  own: Block,
  name: string,
  names: readonly string[],
  list: Property | undefined,
  left: string,
): void {
  const key = `${own.prefix}type`;
  const near = own.properties.get(nearest('type', own.properties.keys()) ?? '');
  const meant = nearest(
    name,
    interceptorNames(block).filter((each) => !names.includes(each)),
  );
  const place = near ? atKey(near) : list ? atValue(list, name) : {};
  scope.add(
    'error',
    'missing-type',
    { ...place, key },
    {
      what: `${key} is missing: the kind of interceptor that ${name} is.`,
      consequence: `${left}, here as in Flume.`,
      suggestion: near
        ? `Is ${near.key} meant to be ${key}?`
        : (separatorHint(name) ?? (meant ? `Did you mean ${meant}?` : `Write ${key} = ….`)),
    },
  );
}

/** Keys that name an interceptor or the selector, and no option of it. */
function sayIncomplete(scope: PlanScope, { properties, prefix }: Block): void {
  for (const [key, property] of properties) {
    const isIncomplete = key === 'selector.' || /^interceptors\.(\.|[^.]*\.?$)/.test(key);
    if (!isIncomplete) continue;
    scope.add('warning', 'incomplete-key', atKey(property), {
      what: `${property.key} names no option.`,
      consequence: 'The line has no effect, here as in Flume.',
      suggestion: key.startsWith('selector')
        ? `Write ${prefix}selector.OPTION = ….`
        : `Write ${prefix}interceptors.NAME.OPTION = ….`,
    });
  }
}

function interceptorNames(block: Block): string[] {
  const found = [...block.properties.keys()].map(
    (key) => /^interceptors\.([^.]+)\./.exec(key)?.[1],
  );
  return [...new Set(found.filter((name) => name !== undefined))];
}

function sayUnlisted(
  scope: PlanScope,
  block: Block,
  names: readonly string[],
  list: Property | undefined,
): void {
  for (const name of interceptorNames(block)) {
    if (names.includes(name)) continue;
    const [first] = below(block, `interceptors.${name}.`).properties.values();
    if (!first) continue;
    scope.add('warning', 'unlisted-component', atKeyPart(first, name), {
      what: `The interceptor ${name} is not listed in ${block.prefix}interceptors.`,
      consequence: 'Its lines have no effect, here as in Flume.',
      suggestion: list
        ? `Add ${name} to ${block.prefix}interceptors in line ${list.line}, or remove its lines.`
        : `Write ${block.prefix}interceptors = ${name}, or remove its lines.`,
    });
  }
}

async function planSelector(
  scope: PlanScope,
  { block, type }: Listed,
  left: string,
): Promise<{ definition: SelectorDefinition; config: AnyConfig } | undefined> {
  const own = below(block, 'selector.');
  const implied = { ...type, key: `${block.prefix}selector.type`, value: 'replicating' };
  const named = own.properties.get('type') ?? implied;
  const meaning = await scope.meaning('selector', named, `${left}.`);
  const lines = { block: own, type: named, ...meaning };
  const config = await readComponent(scope, lines, ['type'], left);
  const { definition, known } = meaning;
  const word = definition?.type ?? known?.type ?? '';
  const routed = routesExist(scope, word, own, block.properties.get('channels'), left);
  return definition && config && routed ? { definition, config } : undefined;
}

/** Do the channels that Flume's own selectors name belong to the source? */
function routesExist(
  scope: PlanScope,
  selector: string,
  own: Block,
  channels: Property | undefined,
  left: string,
): boolean {
  if (selector !== 'replicating' && selector !== 'multiplexing') return true;
  const known = channels?.value.split(/\s+/) ?? [];
  let ok = true;
  for (const [key, property] of own.properties) {
    if (!/^(optional|default$|mapping\.)/.test(key)) continue;
    for (const word of property.value.split(/\s+/)) {
      if (known.includes(word)) continue;
      const fatal = selector === 'multiplexing';
      if (fatal) ok = false;
      const meant = nearest(word, known);
      scope.add(fatal ? 'error' : 'warning', 'unknown-channel', atValue(property, word), {
        what: `${word} is no channel of this source.`,
        consequence: fatal ? `${left}, here as in Flume.` : 'The name is ignored.',
        inFlume: fatal ? undefined : 'Each event fails.',
        suggestion: meant
          ? `Did you mean ${meant}?`
          : `Add ${word} to the source's channels, or remove it here.`,
      });
    }
  }
  return ok;
}
