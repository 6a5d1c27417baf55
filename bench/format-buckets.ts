/** The interceptor of bench/parquet-memory.ts: it deals the lines of a batch out to 50 buckets. */
import { defineInterceptor } from 'millrace';

/** How many. */
const bucketCount = 50;
const names = Array.from({ length: bucketCount }, (_, bucket) => String(bucket));

export default defineInterceptor({
  type: 'format-buckets',
  summary: 'Sets a header to one of 50 values, in turns.',
  fields: {},
  create: () => (batch) => {
    const buckets = Array.from({ length: batch.length }, (_, index) => names[index % bucketCount]);
    return batch.withHeader('bucket', buckets);
  },
});
