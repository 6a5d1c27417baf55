import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allDefinitions } from '../registry.ts';
import { compatibilityPage, definitionFor, fatesOf } from './compatibility.ts';
import { knownComponents } from './flume/known.ts';

const definitions = await allDefinitions();

test('a component that is here has every option that Flume has', () => {
  for (const known of knownComponents()) {
    const definition = definitionFor(known, definitions);
    if (!definition) continue;
    for (const { key, here } of fatesOf(known, definition)) {
      assert.notEqual(here, 'missing', `${definition.kind} ${definition.type}: ${key}`);
    }
  }
});

test('the page has a line for every component and option of the six kinds', () => {
  const page = compatibilityPage(definitions);
  assert.match(page, /\| `hdfs` \| 1\.11 \|/);
  assert.match(page, /\| `elasticsearch` \| to 1\.9 \| not yet\. /);
  assert.match(page, /### memory channel\n\n\| key .*\n.*\n\| `capacity` \| 100 \| same \|/);
  assert.match(page, /\| `byteCapacity` \| 80 % of the heap \| default 67108864/);
});
