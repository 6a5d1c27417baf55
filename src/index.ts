/**
 * What custom components are written with: `import { defineSink, text } from 'millrace'`. In a
 * configuration, `type = ./my-sink.ts` names the file that exports one.
 */
export {
  type ChannelDefinition,
  type ComponentKind,
  type Definition,
  defineChannel,
  defineInterceptor,
  defineSelector,
  defineSerializer,
  defineSink,
  defineSource,
  type FieldProblem,
  type InterceptorDefinition,
  type SelectorDefinition,
  type SerializerDefinition,
  type SinkDefinition,
  type SourceDefinition,
} from './config/definition.ts';
export {
  boolean,
  type ConfigOf,
  choice,
  type Field,
  type FieldOptions,
  type Fields,
  integer,
  list,
  map,
  optionalText,
  text,
} from './config/field.ts';
export { ChosenSerializer, serializer } from './config/serializer-field.ts';
export type {
  Channel,
  ChannelContext,
  Consumer,
  Range,
  Reservation,
  StateDelta,
  StreamStatus,
  Taken,
} from './core/channel.ts';
export type { Clock, Random } from './core/clock.ts';
export type { Component, ComponentContext, Json, Seams } from './core/component.ts';
export type { Disk, DiskFile, FileStat } from './core/disk.ts';
export {
  ChannelError,
  ChannelFullError,
  ConfigError,
  ConnectionError,
  DeliveryError,
  FormatError,
  MillraceError,
  OriginGapError,
} from './core/errors.ts';
export {
  type Column,
  type Event,
  EventBatch,
  type Headers,
  noHeaders,
  type Origin,
} from './core/event-batch.ts';
export type { Interceptor } from './core/interceptor.ts';
export type { LogFields, Logger } from './core/log.ts';
export { ChannelCounters, SinkCounters, SourceCounters } from './core/metrics.ts';
export type { Route, Selector } from './core/selector.ts';
export type { EventSerializer, SerializerContext } from './core/serializer.ts';
export type { Settlement, Sink, SinkContext } from './core/sink.ts';
export type { PollResult, Source, SourceContext, SourceStreams } from './core/source.ts';
