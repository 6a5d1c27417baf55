import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { EventBatch } from '../core/event-batch.ts';
import { componentContext } from '../testing/component-context.ts';
import { configOf } from '../testing/config-of.ts';
import { replicatingSelector } from './replicating.ts';

const batch = EventBatch.of([{ body: 'a' }, { body: 'b' }]);

function create(properties: Record<string, string> = {}) {
  const context = componentContext('r1');
  const config = configOf(replicatingSelector.fields, properties);
  const selector = replicatingSelector.create(config, ['c1', 'c2', 'c3'], context);
  return { selector, lines: context.log.lines };
}

test('a replicating selector gives the whole batch to every channel, all required', () => {
  const { selector } = create();
  const routes = selector.route(batch);
  assert.deepEqual(
    routes.map(({ channel }) => channel),
    ['c1', 'c2', 'c3'],
  );
  for (const route of routes) assert.equal(route.batch, batch);
  assert.equal(selector.optional.size, 0);
});

test('the channels of selector.optional are optional and get every event too', () => {
  const { selector, lines } = create({ optional: 'c3  c1' });
  assert.deepEqual([...selector.optional].sort(), ['c1', 'c3']);
  assert.equal(selector.route(batch).length, 3);
  assert.equal(lines.length, 0);
});

test('a name in selector.optional that is no channel of the source is ignored, and said', () => {
  const { selector, lines } = create({ optional: 'c2 c9' });
  assert.deepEqual([...selector.optional], ['c2']);
  assert.equal(selector.route(batch).length, 3);
  assert.deepEqual(
    lines.map(({ level, fields }) => [level, fields]),
    [['warn', { channel: 'c9' }]],
  );
});
