import { defineSelector } from '../config/definition.ts';
import { list } from '../config/field.ts';
import type { Selector } from '../core/selector.ts';

const fields = {
  optional: list({
    doc: 'Channels that miss events when they are full or failing; the others hold the source up.',
    default: [],
    defaultText: 'none',
  }),
};

export const replicatingSelector = defineSelector({
  type: 'replicating',
  classes: ['org.apache.flume.channel.ReplicatingChannelSelector'],
  summary: 'Gives every event to every channel of the source.',
  notes: 'This is what a source without a selector has.',
  fields,
  example: 'type = replicating\noptional = c2',
  create: ({ optional }, channels, { log }): Selector => {
    for (const channel of optional) {
      if (channels.includes(channel)) continue;
      log.warn({ channel }, 'An optional channel is none of the channels of its source; ignored.');
    }
    return {
      optional: new Set(optional.filter((channel) => channels.includes(channel))),
      route: (batch) => channels.map((channel) => ({ channel, batch })),
    };
  },
});
