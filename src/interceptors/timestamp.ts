import { defineInterceptor } from '../config/definition.ts';
import { boolean, text } from '../config/field.ts';
import { setHeader } from '../core/set-header.ts';

const fields = {
  headerName: text({ doc: 'Header to put the time into.', default: 'timestamp' }),
  preserveExisting: boolean({
    doc: 'Leave events alone that have the header already.',
    default: false,
  }),
};

export const timestampInterceptor = defineInterceptor({
  type: 'timestamp',
  classes: ['org.apache.flume.interceptor.TimestampInterceptor$Builder'],
  summary:
    'Sets a header to the time at which the agent got the event, in milliseconds since 1970.',
  notes: [
    'All events of a batch get the same time. An event that is read again after a crash gets the',
    'time of that second reading: where paths are made from this header, it may go to another ' +
      'file.',
  ].join('\n'),
  fields,
  example: 'type = timestamp',
  create: ({ headerName, preserveExisting }, { clock }) => {
    return (batch) =>
      setHeader(batch, headerName, String(Math.floor(clock.now())), preserveExisting);
  },
});
