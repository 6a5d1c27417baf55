/**
 * What tests of components of one's own are written with: `import { … } from 'millrace/testing'`.
 * A contract suite is called once in a component's test file, and runs with `node --test`.
 */
export { type ChannelSubject, channelContract } from './channel-contract.ts';
export { componentContext, type TestContext } from './component-context.ts';
export { configOf } from './config-of.ts';
export { FakeSourceContext, type HandedOn } from './fake-source-context.ts';
export { type InterceptorSubject, interceptorContract } from './interceptor-contract.ts';
export { ManualClock } from './manual-clock.ts';
export { Prng, seedFromEnvironment } from './prng.ts';
export { type LogLine, RecordingLogger } from './recording-logger.ts';
export {
  type ReadEvent,
  type SerializerSubject,
  serializerContract,
} from './serializer-contract.ts';
export {
  DiskCrashedError,
  type DiskOperation,
  type Fault,
  type OperationName,
  SimulatedDisk,
  type SimulatedDiskOptions,
} from './simulated-disk.ts';
export { FakeChannel, type FakeChannelOptions } from './sink-contract/fake-channel.ts';
export { fakeSinkContext, type SinkSubject, sinkContract } from './sink-contract.ts';
export { type SourceInput, type SourceSubject, sourceContract } from './source-contract.ts';
