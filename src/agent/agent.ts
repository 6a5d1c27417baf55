import { join } from 'node:path';
import type { SinkDefinition } from '../config/definition.ts';
import type { AgentPlan, ChannelPlan, SinkPlan, SourcePlan } from '../config/plan.ts';
import type { Channel, Consumer } from '../core/channel.ts';
import type { ComponentContext, Json, Seams } from '../core/component.ts';
import { FanOut } from '../core/fan-out.ts';
import type { Logger } from '../core/log.ts';
import { ChannelCounters, type Counters, SinkCounters, SourceCounters } from '../core/metrics.ts';
import { ChannelStreams } from '../core/source-streams.ts';
import { SinkRunner, watchedSettlement } from './sink-runner.ts';
import { SourceRunner } from './source-runner.ts';
import { Supervisor, type Unit } from './supervisor.ts';

/** Bounds of an orderly stop: for each component, and for sinks to empty the channels. */
const stopMs = 10_000;
const drainMs = 10_000;
const drainPollMs = 10;

export interface CounterGroup {
  readonly type: 'SOURCE' | 'CHANNEL' | 'SINK';
  readonly name: string;
  readonly counters: Counters;
}

export interface AgentOptions extends Seams {
  readonly log: Logger;
  /** Holds what the agent must remember; locked by the caller. */
  readonly stateDirectory: string;
  /**
   * Finds the definition of a sink type, for what sinks left behind that are no longer configured.
   */
  readonly sinkOfType: (type: string) => Promise<SinkDefinition | undefined>;
  /** Called when the agent has a bug and must stop. */
  readonly onBug: (error: unknown) => void;
}

/**
 * The graph of one agent, made from its plan and running. Start order: channels, sinks, sources.
 * Stop order: pull sources read no more, sinks empty the channels, sources stop (and say in their
 * position files what is settled), sinks, channels.
 */
export class Agent {
  readonly counterGroups: CounterGroup[] = [];

  readonly #plan: AgentPlan;
  readonly #options: AgentOptions;
  readonly #supervisor: Supervisor;
  readonly #channels = new Map<string, Channel>();
  readonly #channelUnits = new Map<string, Unit>();
  readonly #sinkUnits: Unit[] = [];
  readonly #sourceUnits: Unit[] = [];
  readonly #sourceRunners: SourceRunner[] = [];
  readonly #fanOuts: FanOut[] = [];

  private constructor(plan: AgentPlan, options: AgentOptions) {
    this.#plan = plan;
    this.#options = options;
    this.#supervisor = new Supervisor(options.clock);
  }

  /** Builds everything; nothing runs yet. Rejects when an interceptor can't be made. */
  static async build(plan: AgentPlan, options: AgentOptions): Promise<Agent> {
    const agent = new Agent(plan, options);
    for (const channel of plan.channels) agent.#addChannel(channel);
    for (const sink of plan.sinks) agent.#addSink(sink);
    for (const source of plan.sources) await agent.#addSource(source);
    return agent;
  }

  /** Begins to start every component; one that can't start is tried again while the rest runs. */
  start(): void {
    for (const unit of this.#channelUnits.values()) this.#supervisor.start(unit);
    for (const unit of [...this.#sinkUnits, ...this.#sourceUnits]) this.#supervisor.start(unit);
  }

  /** Resolves when every component has started. */
  allStarted(): Promise<void> {
    return this.#supervisor.allStarted();
  }

  /** Do the channels hold nothing? What sources have not emitted yet does not count. */
  isDrained(): boolean {
    return [...this.#channels.values()].every(({ counters }) => counters.ChannelSize === 0);
  }

  async stop(): Promise<void> {
    for (const channel of this.#channels.values()) channel.prepareStop?.();
    await this.#quiesce();
    const drained = await this.#drain();
    await this.#stopAll(this.#sourceUnits);
    // Sinks that did not empty the channels in that time are not given it again.
    if (drained) await this.#drain();
    await this.#stopAll(this.#sinkUnits);
    await this.#stopAll([...this.#channelUnits.values()]);
  }

  #addChannel({ name, definition, config }: ChannelPlan): void {
    const counters = new ChannelCounters();
    const context = {
      ...this.#context('channel', name),
      stateDirectory: join(this.#options.stateDirectory, 'channels', encodeURIComponent(name)),
      counters,
    };
    const channel = definition.create(config, context);
    this.#channels.set(name, channel);
    const component = {
      start: async () => {
        await channel.start();
        await this.#recoverLeftSinks(channel);
      },
      stop: () => channel.stop(),
    };
    this.#channelUnits.set(name, { name, component, needs: [], log: context.log });
    this.counterGroups.push({ type: 'CHANNEL', name, counters });
  }

  /**
   * A sink that was taken out of the configuration may have left files that hold more than was
   * committed.
   */
  async #recoverLeftSinks(channel: Channel): Promise<void> {
    const present = this.#plan.sinks.filter((sink) => sink.channel === channel.name);
    for (const name of channel.sinkNames()) {
      const consumer = channel.consumer(name);
      if (present.some((sink) => sink.name === name) || consumer.state.size === 0) continue;
      const context = this.#context('sink', name);
      const type = typeIn(consumer.state);
      const left = type === undefined ? undefined : await this.#options.sinkOfType(type);
      if (left?.recover) await left.recover(consumer, context);
      else
        context.log.warn({ type }, 'A sink that is gone left files that can not be looked after.');
    }
  }

  #addSink({ name, definition, config, channel: channelName }: SinkPlan): void {
    const channel = this.#channels.get(channelName);
    const needed = this.#channelUnits.get(channelName);
    if (!channel || !needed) return;
    const counters = new SinkCounters();
    const consumer: Consumer = channel.consumer(name);
    const settlement = watchedSettlement(consumer, (ranges) => runner.committed(ranges));
    const context = { ...this.#context('sink', name), counters, settlement };
    const runner = new SinkRunner({
      sink: definition.create(config, context),
      settles: definition.settles,
      consumer,
      counters,
      clock: context.clock,
      log: context.log,
      onBug: this.#options.onBug,
    });
    this.#sinkUnits.push({ name, component: runner, needs: [needed], log: context.log });
    this.counterGroups.push({ type: 'SINK', name, counters });
  }

  async #addSource(plan: SourcePlan): Promise<void> {
    const { name, definition, config } = plan;
    const counters = new SourceCounters();
    const context = this.#context('source', name);
    const { clock, log } = context;
    const channels = new Map(
      plan.channels.flatMap((each) => {
        const channel = this.#channels.get(each);
        return channel ? [[each, channel] as const] : [];
      }),
    );
    const interceptors = [];
    for (const { name: own, definition: made, config: settings } of plan.interceptors) {
      interceptors.push(await made.create(settings, this.#context('interceptor', own)));
    }
    const selector = plan.selector.definition.create(
      plan.selector.config,
      plan.channels,
      this.#context('selector', name),
    );
    const fanOut = new FanOut({
      source: name,
      channels,
      interceptors,
      selector,
      counters,
      clock,
      log,
    });
    this.#fanOuts.push(fanOut);
    const all = [...channels.values()];
    const streams = new ChannelStreams(
      name,
      all.filter((channel) => !selector.optional.has(channel.name)),
      all.filter((channel) => selector.optional.has(channel.name)),
    );
    const source = definition.create(config, {
      ...context,
      counters,
      streams,
      transactionCapacity: Math.min(
        ...all.map((channel) => channel.transactionCapacity ?? Number.POSITIVE_INFINITY),
      ),
      emit: (batch) => fanOut.emit(batch),
      wake: () => runner.wake(),
    });
    const runner = new SourceRunner(source, counters, clock, log, {
      backoffIncrementMs: plan.backoffSleepIncrement,
      maxBackoffMs: plan.maxBackoffSleep,
      beforeStart: () => streams.attach(),
    });
    this.#sourceRunners.push(runner);
    const needs = plan.channels.flatMap((each) => this.#channelUnits.get(each) ?? []);
    this.#sourceUnits.push({ name, component: runner, needs, log });
    this.counterGroups.push({ type: 'SOURCE', name, counters });
  }

  #context(kind: string, name: string): ComponentContext {
    const { clock, disk, random, log } = this.#options;
    const child = log.child({ component: `${kind} ${name}` });
    return { clock, disk, random, agent: this.#plan.agent, name, log: child };
  }

  async #stopAll(units: readonly Unit[]): Promise<void> {
    await Promise.all(units.map((unit) => this.#supervisor.stop(unit, stopMs)));
  }

  /** Ends what sources read by themselves; a put that waits for room is given up. */
  async #quiesce(): Promise<void> {
    for (const fanOut of this.#fanOuts) fanOut.stop();
    const over = new AbortController();
    const quiet = Promise.all(this.#sourceRunners.map((runner) => runner.quiesce()));
    await Promise.race([quiet, this.#options.clock.sleep(stopMs, over.signal)]);
    over.abort();
  }

  /** Gives the sinks time to empty the channels, as long as they get on with it. */
  async #drain(): Promise<boolean> {
    const { clock } = this.#options;
    const deadline = clock.monotonic() + drainMs;
    while (!this.isDrained() && clock.monotonic() < deadline) await clock.sleep(drainPollMs);
    for (const channel of this.#channels.values()) {
      const events = channel.counters.ChannelSize;
      const { log } = this.#context('channel', channel.name);
      if (events > 0) log.warn({ events }, 'Stops with events that no sink has taken out.');
    }
    return this.isDrained();
  }
}

/** The type that a sink wrote into the entries of its state. */
function typeIn(state: ReadonlyMap<string, Json>): string | undefined {
  for (const entry of state.values()) {
    if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) continue;
    const { type } = entry as { readonly type?: Json };
    if (typeof type === 'string') return type;
  }
  return undefined;
}
