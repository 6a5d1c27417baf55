import { homedir } from 'node:os';
import { resolve } from 'node:path';
import { atKeyPart, atValue } from '../places.ts';
import type { AgentPlan, ChannelPlan, SinkPlan, SourcePlan } from '../plan.ts';
import type { Component, PlanScope } from './scope.ts';
import { optionOf } from './values.ts';

/** What a component takes for itself. */
interface Claim {
  /** `port`, `UDP port`, `file`, `directory` … */
  readonly what: string;
  /** `127.0.0.1:80`, `/x`. */
  readonly where: string;
}

/** The plan without those that want what an earlier one has taken: a port, a file, a directory. */
export async function withoutClashes(scope: PlanScope, plan: AgentPlan): Promise<AgentPlan> {
  const plans = [...plan.channels, ...plan.sources, ...plan.sinks];
  const owners: { readonly claim: Claim; readonly owner: string }[] = [];
  const clashing = new Set<ChannelPlan | SourcePlan | SinkPlan>();
  for (const component of scope.components) {
    const running = plans.find((each) => each.block === component.block);
    for (const claim of await claimsOf(scope, component, running)) {
      const taken = owners.find((each) => isSame(each.claim, claim));
      if (!taken) {
        owners.push({ claim, owner: `The ${component.kind} ${component.name}` });
        continue;
      }
      // What the definition does not claim can be shared, if badly: both go on, as in Flume.
      const isOut = running?.definition.claims !== undefined;
      if (running && isOut) clashing.add(running);
      sayClash(scope, component, claim, taken.owner, running && isOut);
      break;
    }
  }
  const isFree = (each: ChannelPlan | SourcePlan | SinkPlan) => !clashing.has(each);
  const channels = plan.channels.filter(isFree);
  const has = (name: string) => channels.some((each) => each.name === name);
  const sources = plan.sources
    .filter(isFree)
    .map((each) => ({ ...each, channels: each.channels.filter(has) }))
    .filter((each) => each.channels.length > 0);
  const sinks = plan.sinks.filter((each) => isFree(each) && has(each.channel));
  return { ...plan, channels, sources, sinks };
}

function sayClash(
  scope: PlanScope,
  { kind, name, block, type }: Component,
  { what, where }: Claim,
  owner: string,
  isOut: boolean | undefined,
): void {
  const property = [...block.properties.values()].find(({ value }) => value.endsWith(where));
  const place = property ? atValue(property) : { ...atKeyPart(type, name), key: block.prefix };
  const shared = what === 'file' && isOut === false;
  scope.add(shared ? 'warning' : 'error', 'clash', place, {
    what: `${owner} has the ${what} ${where}; the ${kind} ${name} wants it too.`,
    consequence: shared
      ? 'Each writes over what the other wrote.'
      : isOut
        ? `The ${kind} ${name} is left out.`
        : 'Only one of them can have it.',
    inFlume: what.endsWith('port')
      ? `The ${kind} ${name} never starts.`
      : shared
        ? 'After a restart it reads lines again, or misses some.'
        : undefined,
    suggestion: `Give each a ${what} of its own.`,
  });
}

/** As the definition says it; for what it does not, as the tables of Flume's components do. */
async function claimsOf(
  scope: PlanScope,
  component: Component,
  running: ChannelPlan | SourcePlan | SinkPlan | undefined,
): Promise<Claim[]> {
  if (running?.definition.claims) return running.definition.claims(running.config).map(parsed);
  const { kind, name, block, type, definition } = component;
  // Of one that is alone nothing needs to be known.
  const isAlone = scope.components.every(
    (each) => each === component || each.definition !== definition,
  );
  const known =
    component.known ??
    (definition && !isAlone ? await scope.knownComponent(kind, type.value) : undefined);
  return (known?.claims ?? '')
    .split(', ')
    .filter(Boolean)
    .flatMap((claim) => {
      const [word = '', where = ''] = claim.split(' ');
      const what = word === 'udp' ? 'UDP port' : word;
      const [first = '', ports] = where.split(':');
      const own: Component = { kind, name, block, type, ...(known ? { known } : {}) };
      if (ports === undefined) {
        return wordsOf(own, first).map((path) => ({ what, where: resolved(path) }));
      }
      const host = /^[\d.]+$/.test(first) ? first : String(optionOf(own, first) ?? '0.0.0.0');
      return wordsOf(own, ports).map((port) => ({ what, where: `${host}:${port}` }));
    });
}

function resolved(path: string): string {
  return resolve(path.replace(/^~(?=\/)/, homedir()));
}

function wordsOf(component: Component, key: string): string[] {
  const value = optionOf(component, key) ?? '';
  const text = Array.isArray(value) ? value.join(' ') : String(value);
  return text.split(/[\s,]+/).filter(Boolean);
}

function parsed(claim: string): Claim {
  const [, what = '', where = ''] = /^(UDP port|\S+) (.*)$/.exec(claim) ?? [];
  return { what, where };
}

const everywhere = /^(0\.0\.0\.0|::|\[::\]|all interfaces|\*?)$/;

/** A port of all addresses is that of each, and `localhost` is an address. */
function isSame(a: Claim, b: Claim): boolean {
  if (a.what !== b.what) return false;
  if (!a.what.endsWith('port')) return a.where === b.where;
  const [hostA, portA] = hostAndPort(a.where);
  const [hostB, portB] = hostAndPort(b.where);
  const isShared = hostA === hostB || everywhere.test(hostA) || everywhere.test(hostB);
  return portA === portB && portA !== '0' && isShared;
}

function hostAndPort(where: string): [host: string, port: string] {
  const colon = where.lastIndexOf(':');
  const host = where.slice(0, colon).toLowerCase();
  return [host === 'localhost' ? '127.0.0.1' : host, where.slice(colon + 1)];
}
