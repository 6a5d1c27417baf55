import { resolve } from 'node:path';
import { atKeyPart, atValue } from '../places.ts';
import type { AgentPlan, ChannelPlan, SinkPlan, SourcePlan } from '../plan.ts';
import type { Component, PlanScope } from './scope.ts';
import { optionOf } from './values.ts';

/** What a component takes for itself. */
interface Claim {
  /** `port`, `udp`, `file`, `directory` … */
  readonly what: string;
  /** `127.0.0.1:80`, `/x`. */
  readonly where: string;
}

/** The plan without those that want what an earlier one has taken: a port, a file, a directory. */
export function withoutClashes(scope: PlanScope, plan: AgentPlan): AgentPlan {
  const plans = [...plan.channels, ...plan.sources, ...plan.sinks];
  const owners: { readonly claim: Claim; readonly owner: string }[] = [];
  const clashing = new Set<ChannelPlan | SourcePlan | SinkPlan>();
  for (const component of scope.components) {
    const running = plans.find((each) => each.block === component.block);
    for (const claim of claimsOf(component, running)) {
      const taken = owners.find((each) => isSame(each.claim, claim));
      if (!taken) {
        owners.push({ claim, owner: `The ${component.kind} ${component.name}` });
        continue;
      }
      if (running) clashing.add(running);
      sayClash(scope, component, claim, taken.owner, running !== undefined);
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
  claim: Claim,
  owner: string,
  runs: boolean,
): void {
  const property = [...block.properties.values()].find(({ value }) => value.endsWith(claim.where));
  const place = property ? atValue(property) : { ...atKeyPart(type, name), key: block.prefix };
  scope.add('error', 'clash', place, {
    what: `${owner} has the ${describe(claim)}; the ${kind} ${name} wants it too.`,
    consequence: runs ? `The ${kind} ${name} is left out.` : 'Only one of them can have it.',
    inFlume: `The ${kind} ${name} never starts.`,
    suggestion: `Give each its own ${describe(claim).split(' ', 1)[0]}.`,
  });
}

function describe({ what, where }: Claim): string {
  return what === 'udp' ? `UDP port ${where}` : `${what} ${where}`;
}

/** As the definition says it; for what it does not, as the tables of Flume's components do. */
function claimsOf(
  { definition, known, ...rest }: Component,
  running: ChannelPlan | SourcePlan | SinkPlan | undefined,
): Claim[] {
  if (running?.definition.claims) return running.definition.claims(running.config).map(parsed);
  if (!known?.claims) return [];
  const component: Component = { ...rest, known };
  return known.claims.split(', ').flatMap((claim) => {
    const [what = '', where = ''] = claim.split(' ');
    const [first = '', ports] = where.split(':');
    if (ports !== undefined) {
      const host = /^[\d.]+$/.test(first) ? first : String(optionOf(component, first) ?? '0.0.0.0');
      return wordsOf(component, ports).map((port) => ({ what, where: `${host}:${port}` }));
    }
    return wordsOf(component, first).map((path) => ({ what, where: resolve(path) }));
  });
}

function wordsOf(component: Component, key: string): string[] {
  const value = optionOf(component, key) ?? '';
  const text = Array.isArray(value) ? value.join(' ') : String(value);
  return text.split(/[\s,]+/).filter(Boolean);
}

function parsed(claim: string): Claim {
  const space = claim.indexOf(' ');
  return { what: claim.slice(0, space), where: claim.slice(space + 1) };
}

const everywhere = /^(0\.0\.0\.0|::|\[::\]|all interfaces|\*?)$/;

/** A port of all addresses is that of each, and `localhost` is an address. */
function isSame(a: Claim, b: Claim): boolean {
  if (a.what !== b.what) return false;
  const [hostA, portA] = hostAndPort(a.where);
  const [hostB, portB] = hostAndPort(b.where);
  if (portA === undefined || portB === undefined) return a.where === b.where;
  const isShared = hostA === hostB || everywhere.test(hostA) || everywhere.test(hostB);
  return portA === portB && portA !== '0' && isShared;
}

function hostAndPort(where: string): [host: string, port: string | undefined] {
  const colon = where.lastIndexOf(':');
  if (colon < 0 || where.startsWith('/')) return [where, undefined];
  const host = where.slice(0, colon).toLowerCase();
  return [host === 'localhost' ? '127.0.0.1' : host, where.slice(colon + 1)];
}
