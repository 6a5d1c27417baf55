import type { Channel, ChannelContext } from '../core/channel.ts';
import type { ComponentContext } from '../core/component.ts';
import type { Interceptor } from '../core/interceptor.ts';
import type { Selector } from '../core/selector.ts';
import type { EventSerializer, SerializerContext } from '../core/serializer.ts';
import type { Settlement, Sink, SinkContext } from '../core/sink.ts';
import type { Source, SourceContext } from '../core/source.ts';
import type { ConfigOf, Fields } from './field.ts';

export type ComponentKind = Definition['kind'];

/** What every definition says, whatever its kind. */
interface Described<F extends Fields> {
  /** The word after `type =`, as documented; compared in any case. */
  readonly type: string;
  /** Flume's class names that mean this component. */
  readonly classes?: readonly string[];
  /** One sentence. */
  readonly summary: string;
  /**
   * More, for the reference page: Markdown, what a user must know and can't see from the options.
   */
  readonly notes?: string;
  readonly fields: F;
  /**
   * A configuration that runs, for the reference page: the component's own lines without prefix.
   */
  readonly example?: string;
  /** Rules across fields: each problem names the field's key. */
  check?(config: ConfigOf<F>): readonly FieldProblem[];
  /**
   * What the component takes for itself (`port 127.0.0.1:80`, `file /x`): two may not take the
   * same.
   */
  claims?(config: ConfigOf<F>): readonly string[];
  /** The most events it puts or takes at once, where Flume checks that against the channel. */
  batchSize?(config: ConfigOf<F>): number;
}

export interface FieldProblem {
  /** The key as Flume spells it, relative to the component. */
  readonly key: string;
  /** What is wrong, in the user's terms. */
  readonly problem: string;
  /** `warning`: it runs, but not as meant. Absent: the component can't run. */
  readonly severity?: 'warning';
  /** What to do: a sentence. */
  readonly suggestion?: string;
}

interface SourceSpec<F extends Fields> extends Described<F> {
  /** Can it read the same events again after a crash? Then it is exactly once into files. */
  readonly rereads: boolean;
  create(config: ConfigOf<F>, context: SourceContext): Source;
}

interface ChannelSpec<F extends Fields> extends Described<F> {
  /**
   * What it keeps: `nothing` beyond the process, a `ledger` of what was committed, or all `events`.
   */
  readonly keeps: 'nothing' | 'ledger' | 'events';
  create(config: ConfigOf<F>, context: ChannelContext): Channel;
}

interface SinkSpec<F extends Fields> extends Described<F> {
  /** Does it commit and release sequences by itself, exactly once? */
  readonly settles: boolean;
  create(config: ConfigOf<F>, context: SinkContext): Sink;
  /**
   * Brings to its end what a sink of this type left behind, from its state alone: for a sink that
   * the configuration no longer has. State entries of such a sink are objects with its `type`.
   */
  recover?(
    settlement: Pick<Settlement, 'state' | 'saveState'>,
    context: ComponentContext,
  ): Promise<void>;
}

interface InterceptorSpec<F extends Fields> extends Described<F> {
  create(config: ConfigOf<F>, context: ComponentContext): Interceptor | Promise<Interceptor>;
}

interface SelectorSpec<F extends Fields> extends Described<F> {
  /** @param channels the source's channels, in the order of the configuration */
  create(config: ConfigOf<F>, channels: readonly string[], context: ComponentContext): Selector;
}

interface SerializerSpec<F extends Fields> extends Described<F> {
  /** Its serializers have an `end`: a file is only readable, and committed, as a whole. */
  readonly wholeFile?: boolean;
  /** What names of files get when nothing else is configured: `.parquet`. */
  readonly extension?: string;
  /** Makes the serializer of one file. */
  create(config: ConfigOf<F>, context: SerializerContext): EventSerializer;
}

/*
 * Definitions forget which fields they have (`unknown` below). That is sound because their
 * functions are only called with what `readConfig` made of their own fields.
 */
export type SourceDefinition = SourceSpec<Fields> & { readonly kind: 'source' };
export type ChannelDefinition = ChannelSpec<Fields> & { readonly kind: 'channel' };
export type SinkDefinition = SinkSpec<Fields> & { readonly kind: 'sink' };
export type InterceptorDefinition = InterceptorSpec<Fields> & { readonly kind: 'interceptor' };
export type SelectorDefinition = SelectorSpec<Fields> & { readonly kind: 'selector' };
export type SerializerDefinition = SerializerSpec<Fields> & { readonly kind: 'serializer' };
export type Definition =
  | SourceDefinition
  | ChannelDefinition
  | SinkDefinition
  | InterceptorDefinition
  | SelectorDefinition
  | SerializerDefinition;

/**
 * Declares a source. The registry and `readConfig` keep the fields and the configuration in step.
 */
export function defineSource<F extends Fields>(spec: SourceSpec<F>): SourceDefinition {
  return { ...spec, kind: 'source' } as unknown as SourceDefinition;
}

export function defineChannel<F extends Fields>(spec: ChannelSpec<F>): ChannelDefinition {
  return { ...spec, kind: 'channel' } as unknown as ChannelDefinition;
}

export function defineSink<F extends Fields>(spec: SinkSpec<F>): SinkDefinition {
  return { ...spec, kind: 'sink' } as unknown as SinkDefinition;
}

export function defineInterceptor<F extends Fields>(
  spec: InterceptorSpec<F>,
): InterceptorDefinition {
  return { ...spec, kind: 'interceptor' } as unknown as InterceptorDefinition;
}

export function defineSelector<F extends Fields>(spec: SelectorSpec<F>): SelectorDefinition {
  return { ...spec, kind: 'selector' } as unknown as SelectorDefinition;
}

export function defineSerializer<F extends Fields>(spec: SerializerSpec<F>): SerializerDefinition {
  return { ...spec, kind: 'serializer' } as unknown as SerializerDefinition;
}
