import { integer } from './field.ts';

/** How long the runner of a pull source waits when a poll found nothing; the runner reads them. */
export const backoffFields = {
  backoffSleepIncrement: integer({
    doc: 'What the wait grows by each time that nothing new is found.',
    unit: 'ms',
    min: 0,
    default: 1000,
  }),
  maxBackoffSleep: integer({
    doc: 'The longest wait when nothing new is found.',
    unit: 'ms',
    min: 0,
    default: 5000,
  }),
};
