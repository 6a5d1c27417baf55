import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import { ChannelCounters, SinkCounters, SourceCounters } from '../core/metrics.ts';
import type { CounterGroup } from './agent.ts';
import { javaDouble, metricsJson, metricsPrometheus } from './metrics-text.ts';

function groups(): CounterGroup[] {
  const source = Object.assign(new SourceCounters(), { EventReceivedCount: 12 });
  const channel = Object.assign(new ChannelCounters(), { ChannelSize: 5, ChannelCapacity: 100 });
  return [
    { type: 'SOURCE', name: 'one', counters: source },
    { type: 'CHANNEL', name: 'c1', counters: channel },
    { type: 'SINK', name: 'one', counters: new SinkCounters() },
  ];
}

describe('the metrics as JSON', () => {
  const json = (all: CounterGroup[]) =>
    JSON.parse(metricsJson(all)) as Record<string, Record<string, string>>;

  test('are keyed by type and name, and every value is a string', () => {
    const all = json(groups());
    assert.deepEqual(Object.keys(all), ['SOURCE.one', 'CHANNEL.c1', 'SINK.one']);
    assert.equal(all['SOURCE.one']?.['EventReceivedCount'], '12');
    assert.equal(all['SOURCE.one']?.['Type'], 'SOURCE');
    for (const group of Object.values(all)) {
      for (const value of Object.values(group)) assert.equal(typeof value, 'string');
    }
  });

  test('have every attribute that Flume has', () => {
    const flume = {
      'SOURCE.one':
        'EventReceivedCount EventAcceptedCount AppendReceivedCount AppendAcceptedCount ' +
        'AppendBatchReceivedCount AppendBatchAcceptedCount OpenConnectionCount EventReadFail ' +
        'ChannelWriteFail GenericProcessingFail StartTime StopTime Type',
      'CHANNEL.c1':
        'ChannelSize ChannelCapacity ChannelFillPercentage EventPutAttemptCount ' +
        'EventPutSuccessCount EventTakeAttemptCount EventTakeSuccessCount StartTime StopTime Type',
      'SINK.one':
        'ConnectionCreatedCount ConnectionClosedCount ConnectionFailedCount BatchEmptyCount ' +
        'BatchUnderflowCount BatchCompleteCount EventDrainAttemptCount EventDrainSuccessCount ' +
        'EventWriteFail ChannelReadFail StartTime StopTime Type',
    };
    const all = json(groups());
    for (const [key, names] of Object.entries(flume)) {
      for (const name of names.split(' ')) assert.ok(Object.hasOwn(all[key] ?? {}, name), name);
    }
  });

  test('give the fill of a channel as Java prints it', () => {
    const [, channel] = groups();
    assert.ok(channel);
    const fill = () => json([channel])['CHANNEL.c1']?.['ChannelFillPercentage'];
    assert.equal(fill(), '5.0');
    Object.assign(channel.counters, { ChannelSize: 0 });
    assert.equal(fill(), '0.0');
    Object.assign(channel.counters, { ChannelCapacity: 0 });
    assert.equal(fill(), '1.7976931348623157E308');
  });

  test('have what a kind of component adds, flags included', () => {
    class FileChannelCounters extends ChannelCounters {
      Open = true;
      Unhealthy = 0;
      get Doubled() {
        return this.ChannelSize * 2;
      }
      reset(): void {}
    }
    const all = json([{ type: 'CHANNEL', name: 'c1', counters: new FileChannelCounters() }]);
    const texts = all['CHANNEL.c1'] ?? {};
    assert.deepEqual([texts['Open'], texts['Unhealthy'], texts['Doubled']], ['true', '0', '0']);
    assert.ok(!Object.hasOwn(texts, 'reset') && !Object.hasOwn(texts, 'constructor'));
  });
});

describe('the metrics for Prometheus', () => {
  const lines = () => metricsPrometheus(groups()).split('\n');

  test('have each metric once, with help and type before its samples', () => {
    const text = metricsPrometheus(groups());
    assert.ok(text.endsWith('\n'));
    const blocks = text.split(/(?=# HELP )/);
    const names = new Set<string>();
    for (const block of blocks) {
      const [help, type, ...samples] = block.trimEnd().split('\n');
      const name = help?.match(/^# HELP (Flume_\w+) .+\.$/)?.[1] ?? '';
      assert.ok(name && !names.has(name), help);
      names.add(name);
      assert.match(type ?? '', new RegExp(`^# TYPE ${name} (counter|gauge)$`));
      assert.ok(samples.length > 0);
      for (const sample of samples) {
        assert.match(sample, new RegExp(`^${name}\\{component="\\w+",type="[A-Z]+"\\} [\\d.e+]+$`));
      }
    }
    assert.ok(!names.has('Flume_Type'));
  });

  test('tell components of one name apart by their type', () => {
    const starts = lines().filter((line) => line.startsWith('Flume_StartTime{component="one"'));
    assert.deepEqual(starts, [
      'Flume_StartTime{component="one",type="SOURCE"} 0',
      'Flume_StartTime{component="one",type="SINK"} 0',
    ]);
  });

  test('say what grows only and what goes up and down', () => {
    const typeOf = (name: string) =>
      lines()
        .find((line) => line.startsWith(`# TYPE Flume_${name} `))
        ?.split(' ')[3];
    assert.equal(typeOf('EventPutSuccessCount'), 'counter');
    assert.equal(typeOf('EventWriteFail'), 'counter');
    assert.equal(typeOf('OpenConnectionCount'), 'gauge');
    assert.equal(typeOf('ChannelSize'), 'gauge');
    assert.equal(typeOf('ChannelFillPercentage'), 'gauge');
    assert.equal(typeOf('StartTime'), 'gauge');
  });

  test('escape names', () => {
    const counters = new SinkCounters();
    const text = metricsPrometheus([{ type: 'SINK', name: 'a"b\\c\nd', counters }]);
    assert.ok(text.includes('{component="a\\"b\\\\c\\nd",type="SINK"}'));
  });
});

test('a double is written as Java writes it', () => {
  const texts: [number, string][] = [
    [33.333333333333336, '33.333333333333336'],
    [100, '100.0'],
    [9_999_999, '9999999.0'],
    [1e7, '1.0E7'],
    [12_345_678.5, '1.23456785E7'],
    [0.001, '0.001'],
    [0.00025, '2.5E-4'],
    [-2, '-2.0'],
    [-0, '-0.0'],
    [Number.NaN, 'NaN'],
    [Number.POSITIVE_INFINITY, 'Infinity'],
  ];
  for (const [value, text] of texts) assert.equal(javaDouble(value), text);
});
