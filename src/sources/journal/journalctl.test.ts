import { strict as assert } from 'node:assert';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { JournalDirectory, journalMissing } from '../../../testbed/journal.ts';
import type { Source } from '../../core/source.ts';
import { configOf } from '../../testing/config-of.ts';
import { FakeSourceContext } from '../../testing/fake-source-context.ts';
import { sourceContract } from '../../testing/source-contract.ts';
import { journalSource } from '../journal.ts';

const missing = journalMissing();

function newDirectory(): JournalDirectory {
  return new JournalDirectory(mkdtempSync(join(tmpdir(), 'millrace-journal-')));
}

if (missing) test('the real journalctl', { skip: missing });
else {
  sourceContract('journal, of the real journalctl,', {
    rereads: true,
    skip: {
      'nothing is acknowledged before emit has resolved': 'a journal is told nothing',
    },
    open: async () => {
      const journal = newDirectory();
      let rest = '';
      return {
        create: (context) => {
          const properties = { directory: journal.path, batchSize: '10' };
          return journalSource.create(configOf(journalSource.fields, properties), context);
        },
        write: async (bytes) => {
          const lines = (rest + bytes).split('\n');
          rest = lines.pop() ?? '';
          if (lines.length > 0) journal.write(...lines.map((line) => ({ MESSAGE: line })));
        },
        close: async () => rmSync(journal.path, { recursive: true }),
      };
    },
  });
}

const patienceMs = 10_000;

/** A directory, and a source that reads it as an agent has it do. */
class Reading {
  readonly journal = newDirectory();
  readonly context = new FakeSourceContext();
  #source: Source | undefined;

  constructor(t: TestContext) {
    this.context.transactionCapacity = 1_000;
    t.after(async () => {
      await this.#source?.stop();
      await this.journal.close();
      rmSync(this.journal.path, { recursive: true });
    });
  }

  async start(more: Readonly<Record<string, string>> = {}): Promise<void> {
    const config = configOf(journalSource.fields, { directory: this.journal.path, ...more });
    this.#source = journalSource.create(config, this.context);
    await this.#source.start();
  }

  async stop(): Promise<void> {
    await this.#source?.stop();
  }

  /** Polls until there are so many events, which are these. */
  async arrive(...bodies: readonly string[]): Promise<void> {
    const deadline = performance.now() + patienceMs;
    while (this.context.bodies.length < bodies.length && performance.now() < deadline) {
      await this.#source?.poll?.(new AbortController().signal);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    assert.deepEqual(this.context.bodies, bodies);
  }
}

function reads(title: string, body: (reading: Reading) => Promise<void>): void {
  test(`the real journalctl: ${title}`, { skip: missing }, (t) => body(new Reading(t)));
}

reads('bytes of every kind arrive as they are', async (reading) => {
  const lines = 'first\nsecond\n';
  reading.journal.write(
    { MESSAGE: 'text = text', _HOSTNAME: 'web-1', _PID: '17', _UID: '0' },
    { MESSAGE: Buffer.from(lines), SYSLOG_IDENTIFIER: Buffer.from('two\nlines') },
    { MESSAGE: 'x'.repeat(500_000), PRIORITY: '3' },
    { MESSAGE: Buffer.from('a\0b\x1b\n\n') },
    { OTHER: 'no message' },
  );
  await reading.start();
  await reading.arrive('text = text', lines, 'x'.repeat(500_000), 'a\0b\x1b\n\n', '');
  const headers = reading.context.events.map(({ headers: { timestamp, ...rest } }) => {
    assert.match(timestamp ?? '', /^17954784000\d\d$/);
    return rest;
  });
  assert.deepEqual(headers, [
    { host: 'web-1', _PID: '17' },
    { SYSLOG_IDENTIFIER: 'two\nlines' },
    { PRIORITY: '3' },
    {},
    {},
  ]);
});

reads('entries of earlier boots come first, and the newest boot is followed', async (reading) => {
  const [first, second] = ['a'.repeat(32), 'b'.repeat(32)];
  reading.journal.write({ MESSAGE: '1', _BOOT_ID: first }, { MESSAGE: '2', _BOOT_ID: second });
  await reading.start();
  await reading.arrive('1', '2');
  reading.journal.write({ MESSAGE: '3', _BOOT_ID: second });
  await reading.arrive('1', '2', '3');
  reading.journal.write({ MESSAGE: '4', _BOOT_ID: 'c'.repeat(32) });
  await reading.arrive('1', '2', '3', '4');
});

reads('entries in a file that begins later are followed', async (reading) => {
  reading.journal.write({ MESSAGE: '1' });
  await reading.start();
  await reading.arrive('1');
  await reading.journal.beginFile('second');
  reading.journal.write({ MESSAGE: '2' });
  await reading.arrive('1', '2');
  await reading.stop();
  await reading.journal.beginFile('third');
  reading.journal.write({ MESSAGE: '3' });
  await reading.start();
  await reading.arrive('1', '2', '3');
});

reads('when the oldest file is removed nothing else is missing or doubled', async (reading) => {
  reading.journal.write({ MESSAGE: '1' }, { MESSAGE: '2' });
  await reading.start();
  await reading.arrive('1', '2');
  reading.context.commit();
  await reading.context.clock.advance(1_000);
  await reading.arrive('1', '2');
  await reading.stop();
  await reading.journal.beginFile('second');
  reading.journal.write({ MESSAGE: '3' });
  rmSync(join(reading.journal.path, 'first.journal'));
  await reading.start();
  await reading.arrive('1', '2', '3');
});

reads('only what is asked for arrives', async (reading) => {
  reading.journal.write(
    { MESSAGE: '1', PRIORITY: '3', _SYSTEMD_UNIT: 'a.service' },
    { MESSAGE: '2', PRIORITY: '6', _SYSTEMD_UNIT: 'a.service' },
    { MESSAGE: '3', PRIORITY: '3', _SYSTEMD_UNIT: 'b.service' },
    { MESSAGE: '4', PRIORITY: '3', _SYSTEMD_UNIT: 'a.service', _UID: '5' },
  );
  await reading.start({ units: 'a.service', priority: 'err', matches: '_UID=5' });
  await reading.arrive('4');
  // Options that change do not send anything again.
  await reading.stop();
  reading.journal.write({ MESSAGE: '5' });
  await reading.start();
  await reading.arrive('4', '5');
});

reads('it begins at a time', async (reading) => {
  reading.journal.write({ MESSAGE: '1' }, { MESSAGE: '2' });
  await reading.start({ since: '2026-11-24T00:00:00.002Z' });
  reading.journal.write({ MESSAGE: '3' });
  await reading.arrive('2', '3');
});
