import { strict as assert } from 'node:assert';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, test } from 'node:test';
import { allDefinitions } from './registry.ts';

const definitions = await allDefinitions();

/* The style that a machine can check, beside what Biome and tsc check. */

const root = join(import.meta.dirname, '..');
const maxLineLength = 100;
const maxFileLines = 500;

/** What each layer may import, beside itself and Node. `testing` and tests may import anything. */
const layers: Readonly<Record<string, readonly string[]>> = {
  core: [],
  config: ['core'],
  bytes: ['core'],
  codecs: ['core', 'bytes'],
  formats: ['core', 'config', 'bytes', 'codecs'],
  net: ['core', 'config', 'bytes'],
  framing: ['core', 'config', 'bytes'],
  files: ['core', 'config', 'bytes'],
  processes: ['core', 'config', 'bytes'],
  hdfs: ['core', 'bytes', 'codecs'],
  sources: ['core', 'config', 'bytes', 'codecs', 'formats', 'net', 'framing', 'files', 'processes'],
  interceptors: ['core', 'config', 'bytes', 'formats'],
  selectors: ['core', 'config', 'bytes', 'formats'],
  channels: ['core', 'config', 'bytes', 'codecs', 'formats'],
  outputs: ['core', 'bytes', 'files'],
  sinks: ['core', 'config', 'bytes', 'codecs', 'formats', 'files', 'outputs', 'hdfs'],
  agent: ['core', 'config', 'registry.ts'],
  cli: ['core', 'config', 'codecs', 'formats', 'channels', 'hdfs', 'agent', 'registry.ts'],
  testing: ['core', 'config', 'bytes', 'codecs', 'formats'],
};
/** Every file of these is a component, or a folder of one component's parts. */
const componentLayers = ['sources', 'interceptors', 'selectors', 'channels', 'sinks'];
/** A component that is another one, with a difference. */
const variants: Readonly<Record<string, string>> = {
  'channels/spillable-memory': 'channels/file',
};
/** Where anything may be imported: they stand above all layers. */
const tops = ['registry.ts', 'index.ts'];

function filesUnder(folder: string, ending = '.ts'): string[] {
  const entries = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' });
  return entries.filter((name) => name.endsWith(ending)).map((name) => join(folder, name));
}

const sources = filesUnder('src');
const code = new Map(sources.map((file) => [file, readFileSync(join(root, file), 'utf8')]));
const isTest = (file: string) => file.endsWith('.test.ts') || file.includes('fake-');

function importsOf(file: string): string[] {
  const text = code.get(file) ?? '';
  const found = text.matchAll(/(?:from|import|import\()\s*'(\.[^']+)'/g);
  return [...found].map(([, path]) => relative('src', join(dirname(file), path ?? '')));
}

/** `sources/taildir/lines.ts` is part of the component `sources/taildir`. */
function componentOf(path: string): string | undefined {
  const [layer, name] = path.split('/');
  if (!layer || !componentLayers.includes(layer)) return undefined;
  return `${layer}/${name?.replace(/(\.test)?\.ts$/, '')}`;
}

describe('the sources', () => {
  test('import downwards only, and no component imports another', () => {
    const wrong: string[] = [];
    for (const file of sources.filter((each) => !isTest(each))) {
      const own = relative('src', file);
      const layer = own.split('/')[0] as string;
      if (tops.includes(own) || own.endsWith('/index.ts')) continue;
      for (const imported of importsOf(file)) {
        const target = imported.split('/')[0] as string;
        const allowed = target === layer || layers[layer]?.includes(target);
        const component = componentOf(own);
        const stranger =
          target === layer &&
          component !== undefined &&
          ![component, variants[component]].includes(componentOf(imported));
        if (!allowed || stranger) wrong.push(`${file} imports ${imported}`);
      }
    }
    assert.deepEqual(wrong, []);
  });

  test('have no line over 100 characters and no file over 500 lines', () => {
    const wrong: string[] = [];
    for (const [file, text] of code) {
      const lines = text.split('\n');
      if (lines.length - 1 > maxFileLines) wrong.push(`${file} has ${lines.length - 1} lines`);
      for (const [index, line] of lines.entries()) {
        if (line.length > maxLineLength) wrong.push(`${file}:${index + 1}`);
      }
    }
    assert.deepEqual(wrong, []);
  });

  test('have no marker left behind, and no skipped or only test', () => {
    const marker = new RegExp(
      `\\b(${['TO' + 'DO', 'FIX' + 'ME', 'XX' + 'X', 'HA' + 'CK'].join('|')})\\b`,
    );
    const wrong = [...code].filter(([, text]) => marker.test(text) || /\.only\(/.test(text));
    assert.deepEqual(
      wrong.map(([file]) => file),
      [],
    );
  });

  test('export no value that nobody uses', () => {
    const users = [...filesUnder('test'), ...filesUnder('bench'), ...filesUnder('testbed')];
    const others = users.map((file) => readFileSync(join(root, file), 'utf8')).join('\n');
    const wrong: string[] = [];
    for (const [file, text] of code) {
      if (file.endsWith('/index.ts')) continue;
      const declared = text.matchAll(
        /^export (?:abstract |async )?(?:function\*?|class|const) (\w+)/gm,
      );
      for (const [, name] of declared) {
        const word = new RegExp(`\\b${name}\\b`);
        const used = [...code].some(([other, body]) => other !== file && word.test(body));
        if (!used && !word.test(others)) wrong.push(`${file}: ${name}`);
      }
    }
    assert.deepEqual(wrong, []);
  });
});

describe('every component', () => {
  const examples = filesUnder('examples', '.properties').map((file) =>
    readFileSync(join(root, file), 'utf8'),
  );

  for (const definition of definitions) {
    const { kind, type } = definition;
    test(`${kind} ${type} has a reference page, an example and a contract`, () => {
      const pages = filesUnder('docs/reference', '.md').map((file) =>
        readFileSync(join(root, file), 'utf8'),
      );
      assert(
        pages.some((page) => page.includes(type) && page.includes(definition.summary)),
        'its page is there: npm run docs',
      );
      assert(definition.example || kind === 'serializer', 'its definition has an example');
      const used = examples.some((text) => text.toLowerCase().includes(type.toLowerCase()));
      assert(used || ['selector', 'serializer'].includes(kind) || type.includes('Pseudo'));
      const contract = `${kind}Contract`;
      const called = [...code].some(([file, text]) => isTest(file) && text.includes(contract));
      assert(called || kind === 'selector', `a test calls ${contract}`);
    });
  }
});
