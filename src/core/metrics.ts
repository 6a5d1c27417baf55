/**
 * Flume's counters under Flume's names (class names of its instrumentation package). Plain numbers:
 * the hot path adds to them, the metrics server reads them. Runners count; a component counts only
 * what its runner can't see. Extra counters of Millrace stand after Flume's.
 */
export class SourceCounters {
  readonly Type = 'SOURCE';
  StartTime = 0;
  StopTime = 0;
  /** Events a source handed on, before interceptors. */
  EventReceivedCount = 0;
  EventAcceptedCount = 0;
  AppendReceivedCount = 0;
  AppendAcceptedCount = 0;
  AppendBatchReceivedCount = 0;
  AppendBatchAcceptedCount = 0;
  OpenConnectionCount = 0;
  EventReadFail = 0;
  ChannelWriteFail = 0;
  GenericProcessingFail = 0;
  /** Events an optional channel did not get. */
  OptionalChannelMissCount = 0;
  /** Events without an origin that may be doubled: a put failed with its outcome unknown. */
  PossibleDoubleCount = 0;
  /** Lines cut because they were longer than a source keeps in memory. */
  LineTooLongCount = 0;
  /** Events that came and were lost: refused by a channel, with no way to ask for them again. */
  EventDropCount = 0;
  /** Datagrams that the kernel dropped because nobody read them in time. */
  DatagramDropCount = 0;
  /** Connections that were closed at once, because as many were open as may be. */
  ConnectionDropCount = 0;
  /** Connections that ended before TLS was agreed on. */
  HandshakeFailCount = 0;
}

export class ChannelCounters {
  readonly Type = 'CHANNEL';
  StartTime = 0;
  StopTime = 0;
  ChannelSize = 0;
  ChannelCapacity = 0;
  /** 0 to 100; of a channel without capacity, Flume gives the largest double. */
  get ChannelFillPercentage(): number {
    return this.ChannelCapacity === 0
      ? Number.MAX_VALUE
      : (this.ChannelSize / this.ChannelCapacity) * 100;
  }
  EventPutAttemptCount = 0;
  EventPutSuccessCount = 0;
  EventTakeAttemptCount = 0;
  EventTakeSuccessCount = 0;
  /** Events of a put that the channel had already: read again after a failure or a restart. */
  EventTrimCount = 0;
}

export class SinkCounters {
  readonly Type = 'SINK';
  StartTime = 0;
  StopTime = 0;
  ConnectionCreatedCount = 0;
  ConnectionClosedCount = 0;
  ConnectionFailedCount = 0;
  BatchEmptyCount = 0;
  BatchUnderflowCount = 0;
  BatchCompleteCount = 0;
  EventDrainAttemptCount = 0;
  EventDrainSuccessCount = 0;
  EventWriteFail = 0;
  ChannelReadFail = 0;
  /** Events written without something that they have, because it did not fit the format. */
  EventMisfitCount = 0;
}

export type Counters = SourceCounters | ChannelCounters | SinkCounters;
