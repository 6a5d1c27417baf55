import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { seedFromEnvironment } from '../../src/testing/prng.ts';
import { journalMissing } from '../../testbed/journal.ts';
import { type JournalChannel, journalChannels, runJournalLoop } from './journal-loop.ts';

const seed = seedFromEnvironment();
const kills = 6;
const channels = Object.keys(journalChannels) as JournalChannel[];

describe(`an agent that reads a journal, killed again and again, MILLRACE_SEED=${seed}`, () => {
  for (const channel of channels) {
    const skip = journalMissing();
    test(`delivers every entry once: ${journalChannels[channel]}`, { skip }, async (t) => {
      const { lines, files, verdict, folder } = await runJournalLoop({ seed, kills, channel });
      t.diagnostic(`${lines} entries in ${files} files`);
      assert(verdict.isClean, `kept in ${folder}: ${verdict}`);
    });
  }
});
