/** The interceptor of the HDFS kill loop's `digits`: it spreads the lines of a batch over files. */
import { defineInterceptor } from 'millrace';

export default defineInterceptor({
  type: 'spread-by-digit',
  summary: 'Sets a header to the last digit of the number of a numbered line.',
  fields: {},
  create: () => (batch) => {
    const digits = Array.from({ length: batch.length }, (_, index) => {
      return batch.body(index).toString('latin1').split(' ', 3)[2]?.at(-1);
    });
    return batch.withHeader('digit', digits);
  },
});
