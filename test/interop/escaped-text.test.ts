import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { javaTimeZone } from '../../src/config/java-time-zone.ts';
import { EventBatch } from '../../src/core/event-batch.ts';
import { EscapedText, type EscapeOptions } from '../../src/formats/escaped-text.ts';
import { Prng, seedFromEnvironment } from '../../src/testing/prng.ts';
import { flumeMissing, testbedFolder } from '../../testbed/flume.ts';
import { javaCommand } from '../../testbed/jars.ts';

/* Texts with escapes, filled in here and by real Flume: batches of events with one text each. */

const count = Number(process.env['MILLRACE_ESCAPES'] ?? 20_000);
const mostEvents = 40;
/** What `MILLRACE_REPORT` asks for. */
const isReported = process.env['MILLRACE_REPORT'] !== undefined;

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const firstTransition = Date.UTC(1970, 0, 8);
/** Later ones are not settled: the rules that Java and Node were built with may differ. */
const lastTransition = Date.UTC(2025, 11, 1);

type Headers = Readonly<Record<string, string>>;

interface Batch {
  readonly template: string;
  readonly options: EscapeOptions;
  /** The clock's, in ms since 1970, where that counts. */
  readonly now: number | undefined;
  readonly events: readonly Headers[];
}

const letters = 'aAbBcdeDHIjklmnMpsStyYz';
const otherAtoms = [
  ...['%%', '%_', '%9', '%q', '%E', '%', '%%%', '100%', '%-', '%é', '%{', '%{}', '%{a b}', '%[]'],
  ...['/logs/', '=', '$1', '\\', 'ü', '%{host}', '%{host}', '%{timestamp}', '%{a.b-c_1}'],
  ...['%{gone}', '%[a b]', '}', ']', '%Y-%m-%d', '%H'],
];

function randomTemplate(random: Prng): string {
  // Flume refuses every event then.
  if (random.chance(0.005)) return '/a/%[nobody]';
  const parts = Array.from({ length: 1 + random.integer(6) }, () =>
    random.chance(0.6) ? `%${random.pick([...letters])}` : random.pick(otherAtoms),
  );
  return parts.join('');
}

/** Zones with a history, and texts that are none. */
const namedZones = [
  ...['Europe/Berlin', 'Europe/Dublin', 'America/Los_Angeles', 'America/Sao_Paulo', 'Asia/Gaza'],
  ...['Asia/Kolkata', 'Asia/Kathmandu', 'Australia/Lord_Howe', 'America/St_Johns', 'Asia/Tehran'],
  ...['Pacific/Apia', 'Antarctica/Troll', 'Pacific/Kwajalein', 'Africa/Monrovia', 'Africa/Cairo'],
  ...['PST', 'EST', 'MST', 'HST', 'CST', 'IST', 'BST', 'NST', 'CNT', 'CST6CDT', 'Etc/GMT+8'],
  ...['UTC', 'GMT', 'GMT0', 'GMT+8', 'GMT-08:30', 'GMT+1130', 'GMT-0:07', 'GMT+24', 'GMT+8:5'],
  ...['GMT+007', 'GMT+', 'GMT8', 'UTC+8', '+08:00', 'europe/berlin', 'Europe/Nowhere', 'ROC'],
  ...['GMT+:30', 'GMT+008:00', 'Us/Pacific', 'pst', 'Cuba', 'America/Port-au-Prince', ' UTC'],
];

/** These, and some of the others. */
function zoneIds(random: Prng): string[] {
  return [...namedZones, ...random.shuffle(Intl.supportedValuesOf('timeZone')).slice(0, 30)];
}

/** In what steps changes of an offset are looked for, and how exactly they are found, in ms. */
const searchStepMs = 6 * dayMs;
const exactMs = hourMs;
const searchEnd = Date.UTC(2040, 0, 1);

/** What offsets a zone had, each as `since:offset` in ms. */
function offsetsOf(id: string): string[] {
  const zone = javaTimeZone(id);
  const found = [`${firstTransition}:${zone.offsetMs(firstTransition)}`];
  for (let time = firstTransition; time < searchEnd; time += searchStepMs) {
    let [low, high] = [time, time + searchStepMs];
    const before = zone.offsetMs(low);
    if (zone.offsetMs(high) === before) continue;
    while (high - low > exactMs) {
      const middle = Math.floor((low + high) / 2);
      if (zone.offsetMs(middle) === before) low = middle;
      else high = middle;
    }
    found.push(`${high}:${zone.offsetMs(high)}`);
  }
  return found;
}

interface KnownZone {
  readonly id: string;
  /** When it changed its offset, to within an hour: only where Java and Node agree. */
  readonly transitions: readonly number[];
  /** From when on Java and Node agree, in ms since 1970; 0: ever. */
  readonly since: number;
  /** Both know it to stay as it is. */
  readonly isFixed: boolean;
}

/**
 * What zones did is found out anew now and then, most of it of long ago, and Java's and Node's
 * knowledge may be of different years: texts are compared for times of which both know the same.
 */
function knownZones(ids: readonly string[]): KnownZone[] {
  const limits = [firstTransition, searchEnd, searchStepMs, exactMs].map(String);
  const lines = java('ZoneOffsets.java', limits, Buffer.from(ids.join('\n'))).toString();
  const javas = lines.trimEnd().split('\n');
  return ids.map((id, index) => {
    const ours = offsetsOf(id);
    const theirs = javas[index]?.split(' ') ?? [];
    const common = ours.filter((offset) => theirs.includes(offset)).map(timeOf);
    const other = [...ours, ...theirs].map(timeOf).filter((time) => !common.includes(time));
    const past = other.filter((time) => time < lastTransition);
    // What is rounded down reaches back a day, what is near a time, some days.
    const since = past.length > 0 ? Math.max(...past) + 30 * dayMs : 0;
    const settled = common.filter((time) => time > firstTransition && time > since);
    const transitions = settled.filter((time) => time < lastTransition);
    const isFixed = ours.length === 1 && other.length === 0;
    return { id, transitions, since, isFixed };
  });
}

function timeOf(offset: string): number {
  return Number(offset.slice(0, offset.indexOf(':')));
}

/** Times of one batch lie near each other, often where a clock is changed. */
function randomTimes(random: Prng, { transitions, since, isFixed }: KnownZone): () => string {
  const base =
    transitions.length > 0 && random.chance(0.5)
      ? random.pick(transitions)
      : since + random.integer(lastTransition - since);
  const spread = random.pick([1000, 60_000, hourMs, 6 * hourMs, 3 * dayMs]);
  const noTimes = ['', 'x', '1e3', '1.5', ' 1', '+', '0x10', '99999999999999999999', '1_000'];
  const early = ['+5', '-5', '00012', '0', '-1'];
  const tooLate = '9223372036854775808';
  // Where a zone stays as it is, far times are those of both.
  const far = [
    ...['9223372036854775', '1767225600123456789', '9223372036854775807', '253402300799999'],
    ...['253402300800000', '999999999999999', '1000000000000000', '99999999999999'],
  ];
  const others = [...[...noTimes, tooLate], ...(since === 0 ? early : []), ...(isFixed ? far : [])];
  return () => {
    if (random.chance(0.02)) return random.pick(others);
    return String(Math.max(1, base + random.integer(2 * spread) - spread));
  };
}

function randomBatch(random: Prng, [local, ...zones]: readonly [KnownZone, ...KnownZone[]]): Batch {
  const zone = random.chance(0.1) ? local : random.pick(zones);
  const timeZone = zone === local ? undefined : zone.id;
  const unit = random.pick(['second', 'minute', 'hour'] as const);
  const value = 1 + random.integer(unit === 'hour' ? 24 : 60);
  const round = random.chance(0.5) ? { unit, value } : undefined;
  const time = randomTimes(random, zone);
  const hosts = ['h1', 'h2', 'a/b', '..', '$1', '\\1', 'ü', '%Y', ''];
  const events = Array.from({ length: 1 + random.integer(mostEvents) }, () => ({
    ...(random.chance(0.99) && { timestamp: time() }),
    ...(random.chance(0.9) && { host: random.pick(hosts) }),
    ...(random.chance(0.5) && { 'a.b-c_1': random.pick(hosts) }),
  }));
  // A column of one value.
  const isFixed = random.chance(0.1);
  const [first = {}] = events;
  const now = random.chance(0.1) ? Date.UTC(2025, random.integer(12), 25, 0, 0, 3) : undefined;
  return {
    template: randomTemplate(random),
    options: { timeZone, round, ...(now !== undefined && { now: () => now }) },
    now,
    events: isFixed ? events.map(() => first) : events,
  };
}

function ours({ template, options, events }: Batch): (string | undefined)[] {
  let text: EscapedText;
  try {
    text = new EscapedText(template, options);
  } catch {
    return events.map(() => undefined);
  }
  const batch = EventBatch.of(events.map((headers) => ({ headers, body: '' })));
  const { values, problems } = text.expand(batch);
  return events.map((_event, row) => {
    const value = typeof values === 'string' ? values : values[row];
    assert.equal(value === undefined, problems.has(row), `${template}: a problem, or a text`);
    return value;
  });
}

function* framed({ template, options, now, events }: Batch): Generator<Buffer> {
  const { timeZone = '', round } = options;
  for (const headers of events) {
    const texts = [template, timeZone, round?.unit ?? '', `${round?.value ?? 1}`, `${now ?? ''}`];
    for (const text of texts) yield* framedText(text);
    const pairs = Object.entries(headers);
    yield length(pairs.length);
    for (const pair of pairs) for (const text of pair) yield* framedText(text);
  }
}

function* framedText(text: string): Generator<Buffer> {
  const bytes = Buffer.from(text);
  yield length(bytes.length);
  yield bytes;
}

function length(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function java(program: string, parameters: readonly string[], input: Buffer): Buffer {
  const jars = readdirSync(testbedFolder())
    .filter((name) => /^flume-1\.11\.0-\w+$/.test(name))
    .map((name) => join(testbedFolder(), name, '*'));
  const language = ['-Duser.language=en', '-Duser.country=US'];
  const path = join(import.meta.dirname, program);
  const command = ['-Xmx256m', ...language, '-cp', jars.join(':'), path, ...parameters];
  const { stdout, status, stderr } = spawnSync(javaCommand(), command, {
    input,
    maxBuffer: 1 << 28,
    timeout: 120_000,
  });
  assert.equal(status, 0, stderr.toString());
  return stdout;
}

function flumes(batches: readonly Batch[]): (string | undefined)[] {
  const input = Buffer.concat(batches.flatMap((batch) => [...framed(batch)]));
  const stdout = java('EscapeTexts.java', [], input);
  const texts: (string | undefined)[] = [];
  for (let at = 0; at < stdout.length; ) {
    const bytes = stdout.readInt32BE(at);
    const end = at + 4 + Math.max(0, bytes);
    texts.push(bytes < 0 ? undefined : stdout.toString('utf8', at + 4, end));
    at = end;
  }
  return texts;
}

test(`${count} events have the texts that Flume gives them`, { skip: flumeMissing() }, () => {
  const local = 'America/New_York';
  process.env['TZ'] = local;
  const seed = seedFromEnvironment();
  const random = new Prng(seed);
  const [here, ...zones] = knownZones([local, ...zoneIds(random)]);
  assert.ok(here);
  const disputed = zones.filter(({ since }) => since > 0);
  assert.ok(disputed.length < zones.length / 5, disputed.map(({ id }) => id).join(', '));
  const batches: Batch[] = [];
  for (let left = count; left > 0; ) {
    const batch = randomBatch(random, [here, ...zones]);
    batches.push(batch);
    left -= batch.events.length;
  }
  const answers = flumes(batches);
  const wrong: string[] = [];
  let row = 0;
  let refused = 0;
  for (const batch of batches) {
    for (const [index, text] of ours(batch).entries()) {
      const expected = answers[row++];
      if (expected === undefined) refused++;
      if (text !== expected) {
        wrong.push(
          `${JSON.stringify([{ ...batch, events: 0 }, batch.events[index]])}: ${expected}, not ${text}`,
        );
      }
    }
  }
  assert.equal(row, answers.length);
  if (isReported) console.log({ seed, disputed, events: row, refused, wrong: wrong.length });
  assert.deepEqual(wrong.slice(0, 5), [], `seed ${seed}, ${wrong.length} wrong`);
  // Neither answer is the only one.
  assert.ok(refused > count / 1000 && refused < count / 2, `${refused} refused`);
});
