import { defineInterceptor } from '../config/definition.ts';
import { boolean, text } from '../config/field.ts';
import { setHeader } from '../core/set-header.ts';

const fields = {
  key: text({ doc: 'Header to set.', default: 'key' }),
  value: text({ doc: 'What to set it to.', default: 'value' }),
  preserveExisting: boolean({
    doc: 'Leave events alone that have the header already.',
    default: true,
  }),
};

export const staticInterceptor = defineInterceptor({
  type: 'static',
  classes: ['org.apache.flume.interceptor.StaticInterceptor$Builder'],
  summary: 'Sets one header to one value.',
  notes: 'For several headers, list several static interceptors.',
  fields,
  example: 'type = static\nkey = datacenter\nvalue = NEW_YORK',
  create: ({ key, value, preserveExisting }) => {
    return (batch) => setHeader(batch, key, value, preserveExisting);
  },
});
