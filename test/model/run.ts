import { parseArgs } from 'node:util';
import { channelKinds, runModel, sinkKinds } from './world.ts';

/** `node test/model/run.ts [--seeds 20000] [--first 0] [--seconds 3600] [--channel file] [--sink hdfs]`: prints and fails at the first bad seed. */
const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '20000' },
    first: { type: 'string', default: '0' },
    seconds: { type: 'string', default: '3600' },
    channel: { type: 'string' },
    sink: { type: 'string' },
  },
});
const channel = channelKinds.find((kind) => kind === values.channel);
const sink = sinkKinds.find((kind) => kind === values.sink);
const first = Number(values.first);
const begun = performance.now();
let done = 0;
for (; done < Number(values.seeds); done++) {
  if (performance.now() - begun > Number(values.seconds) * 1000) break;
  try {
    await runModel(first + done, { ...(channel && { channel }), ...(sink && { sink }) });
  } catch (error) {
    console.error(`seed ${first + done}:`, error);
    process.exit(1);
  }
}
const seconds = (performance.now() - begun) / 1000;
console.log(
  `${done} seeds from ${first} in ${seconds.toFixed(1)} s: nothing lost, nothing doubled`,
);
