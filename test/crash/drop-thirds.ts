/** The interceptor of the kill loop's `suppress`: a custom one, from a file of TypeScript. */
import { defineInterceptor } from 'millrace';
import { suppressesThirds } from './topology.ts';

export default defineInterceptor({
  type: 'drop-thirds',
  summary: 'Drops every numbered line whose number three divides.',
  fields: {},
  create: () => (batch) =>
    batch.filter((index) => {
      const [, , sequence] = batch.body(index).toString('latin1').split(' ', 3);
      return !suppressesThirds(Number(sequence));
    }),
});
