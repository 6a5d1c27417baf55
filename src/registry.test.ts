import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { referenceFiles } from './config/reference.ts';
import { ConfigError } from './core/errors.ts';
import { eventSerializers } from './formats/event-serializers.ts';
import { allDefinitions, builtins, resolver } from './registry.ts';

const definitions = await allDefinitions();

const directory = mkdtempSync(join(tmpdir(), 'millrace-registry-'));
after(() => rmSync(directory, { recursive: true }));
const { find } = resolver(directory);

function write(path: string, text: string): void {
  mkdirSync(join(directory, path, '..'), { recursive: true });
  writeFileSync(join(directory, path), text);
}

const sink = (type: string) => `defineSink({
  type: '${type}', summary: 'Custom.', settles: false, fields: { to: text({ doc: 'Where.' }) },
  create: () => { throw new Error('not here'); },
})`;

test('a built-in component is found by alias in any case and by the class of Flume', async () => {
  assert.equal((await find('channel', 'MEMORY'))?.type, 'memory');
  assert.equal((await find('sink', 'org.apache.flume.sink.NullSink'))?.type, 'null');
  assert.equal(await find('source', 'memory'), undefined);
});

test('a file is found relative to the configuration, and may import millrace', async () => {
  write(
    'one.ts',
    `import { defineSink, type Sink, text } from 'millrace';
     export type Unused = Sink;
     export default ${sink('one')};`,
  );
  const found = await find('sink', './one.ts');
  assert.equal(found?.type, 'one');
  assert.equal(found?.fields['to']?.required, true);
});

test('a named export serves when it is the only one of its kind', async () => {
  write(
    'two.js',
    `import { defineSink, text } from 'millrace';
     export const other = 1;
     export const two = ${sink('two')};`,
  );
  assert.equal((await find('sink', './two.js'))?.type, 'two');
  await assert.rejects(
    find('source', './two.js'),
    /exports no source: export default defineSource/,
  );
});

test('a package is found where the configuration is, whatever its exports', async () => {
  const exports = { '.': { import: './main.js' } };
  const description = { name: 'a-sink', version: '1.0.0', type: 'module', exports };
  write('node_modules/a-sink/package.json', JSON.stringify(description));
  write(
    'node_modules/a-sink/main.js',
    `import { defineSink, text } from 'millrace'; export default ${sink('packed')};`,
  );
  assert.equal((await find('sink', 'a-sink'))?.type, 'packed');
});

test('words, builtins of Node and components of Flume are not loaded as components', async () => {
  for (const type of ['foo', 'http', 'exec', 'fs', 'com.example.Sink', 'constructor', '']) {
    assert.equal(await find('sink', type), undefined, type);
  }
});

test('a file that cannot be loaded, or exports several, says so', async () => {
  write('broken.js', 'export const = 1');
  write(
    'several.js',
    `import { defineSink, text } from 'millrace';
     export const a = ${sink('a')}; export const b = ${sink('b')};`,
  );
  await assert.rejects(find('sink', './broken.js'), ConfigError);
  await assert.rejects(find('sink', './missing.ts'), ConfigError);
  await assert.rejects(find('sink', './several.js'), /exports 2 sinks/);
});

test('each line of the registry says what the definition says that it loads', async () => {
  for (const [kind, table] of Object.entries(builtins)) {
    for (const [type, { classes, load }] of Object.entries(table)) {
      const definition = await load();
      const { kind: ownKind, type: ownType, classes: ownClasses } = definition;
      assert.deepEqual(
        { kind, type, classes },
        { kind: ownKind, type: ownType, classes: ownClasses },
      );
    }
  }
});

test('every serializer that a sink accepts can be explained', () => {
  assert.deepEqual(
    definitions.filter(({ kind }) => kind === 'serializer'),
    eventSerializers,
  );
});

test('a type or class names one component of a kind', () => {
  const names = definitions.flatMap(({ kind, type, classes = [] }) =>
    [...new Set([type, ...classes])].map((name) => `${kind} ${name.toLowerCase()}`),
  );
  const twice = names.filter((name, index) => names.indexOf(name) !== index);
  assert.deepEqual(twice, []);
});

test('every component has a page with all its keys, and a line in the index', () => {
  const files = referenceFiles(definitions);
  for (const { kind, type, fields } of definitions) {
    const page = files.get(`${kind}/${type}.md`) ?? '';
    for (const [name, field] of Object.entries(fields)) {
      assert.ok(page.includes(`\`${field.key ?? name}`), `${kind} ${type} ${name}`);
    }
    assert.ok(files.get('README.md')?.includes(`(${kind}/${type}.md)`));
  }
});
