import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { arch, platform, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { AgentProcess } from '../../testbed/agent-process.ts';
import { outputOf, waitUntil } from '../../testbed/flow-folder.ts';
import { repositoryRoot } from '../../testbed/millrace.ts';
import { tailToFiles } from '../flows/tail-to-files.ts';

/* What is published: packed, and installed as its users do, with every Node that it is for. */

const nodeVersions = ['22.23.3', '24.21.0', '26.10.0'];
/** npm's package of the program alone, which needs no install script. */
const nodePackage = `node-${platform() === 'win32' ? 'win' : platform()}-${arch()}`;
const commandMs = 60_000;
const lineCount = 20_000;
const published = ['src', 'bin', 'docs', 'examples', 'package.json', 'CHANGELOG.md', 'README.md'];

interface Output {
  readonly code: number;
  /** Standard output and error. */
  readonly text: string;
}

/** Runs a program to its end. */
function run(cwd: string, command: string, ...args: string[]): Promise<Output> {
  // Under npm, the environment has settings of npm and a path with this repository's Node.
  const kept = Object.entries(process.env).filter(([name]) => !/^(npm_|MILLRACE_)/i.test(name));
  const options = { cwd, env: Object.fromEntries(kept), timeout: commandMs };
  return new Promise((resolve) => {
    execFile(command, args, options, (error, stdout, stderr) => {
      const failed = typeof error?.code === 'number' ? error.code : 127;
      resolve({ code: error ? failed : 0, text: stdout + stderr });
    });
  });
}

async function succeed(cwd: string, command: string, ...args: string[]): Promise<string> {
  const { code, text } = await run(cwd, command, ...args);
  assert.equal(code, 0, `${command} ${args.join(' ')}\n${text}`);
  return text;
}

function install(folder: string, ...packages: string[]): Promise<string> {
  mkdirSync(folder);
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n');
  const quick = ['--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline'];
  return succeed(folder, 'npm', 'install', ...quick, ...packages);
}

const ping = ['view', 'pino', 'version', '--fetch-retries=0', '--fetch-timeout=10000'];
const registry = await run(tmpdir(), 'npm', ...ping);
const skip = registry.code === 0 ? false : 'the npm registry cannot be reached';

const scratch = mkdtempSync(join(tmpdir(), 'millrace-package-'));
after(() => rmSync(scratch, { recursive: true, force: true }));
const folderOf = (version: string) => join(scratch, `node-${version}`);

/** On a Node too old, `bin/millrace` looks for another one. */
const bare = await run(scratch, 'node', '--version');
const isOld = /^v(\d|1\d|2[01])\./.test(bare.text);
const onlyOld = isOld ? false : `the node of this machine is ${bare.text.trim()}: new enough`;

describe('the package', { skip }, () => {
  let tarball = '';

  before(async () => {
    const copy = join(scratch, 'copy');
    for (const name of [...published, 'tsconfig.json', 'tsconfig.build.json']) {
      cpSync(join(repositoryRoot, name), join(copy, name), { recursive: true });
    }
    symlinkSync(join(repositoryRoot, 'node_modules'), join(copy, 'node_modules'));
    await succeed(copy, 'npm', 'run', 'build');
    const packed = await succeed(copy, 'npm', 'pack', '--json', '--pack-destination', scratch);
    tarball = join(scratch, /"filename": "([^"]+)"/.exec(packed)?.[1] ?? '');
    const installs = nodeVersions.map((version) =>
      install(folderOf(version), tarball, `node@npm:${nodePackage}@${version}`),
    );
    await Promise.all([...installs, install(join(scratch, 'alone'), tarball)]);
  });

  for (const version of nodeVersions) {
    const folder = folderOf(version);
    const node = join(folder, 'node_modules/node/bin/node');
    const millrace = join(folder, 'node_modules/millrace/bin/millrace');
    const examples = join(folder, 'node_modules/millrace/examples');

    test(`on Node ${version} says its version and checks an example`, async () => {
      const said = await succeed(folder, node, millrace, 'version');
      assert.match(said, new RegExp(`^Millrace \\d+\\.\\d+\\.\\d+.* \\(Node ${version}\\)\\n$`));
      const example = join(examples, 'tail-to-files.properties');
      const checked = await succeed(folder, node, millrace, 'check', example);
      assert.match(checked, /a1: 1 source, 1 channel, 1 sink would run\./);
      assert.match(checked, /^0 errors, 0 warnings/m);
    });

    test(`on Node ${version} delivers ${lineCount} lines and stops with 0`, async () => {
      const path = { folder: join(folder, 'in'), output: join(folder, 'out') };
      for (const name of Object.values(path)) mkdirSync(name);
      const lines = Array.from({ length: lineCount }, (_, index) => `line ${index}\n`).join('');
      writeFileSync(join(path.folder, 'app.log'), lines);
      const conf = join(folder, 'flow.properties');
      writeFileSync(conf, tailToFiles([path]));
      const agent = startAgent(folder, [node, millrace], conf);
      await waitUntil('all is delivered', agent, () => {
        return outputOf(path.output).length >= lines.length;
      });
      assert.deepEqual(await agent.stop(), { code: 0, signal: null });
      assert.equal(outputOf(path.output).toString(), lines);
    });

    test(`on Node ${version} runs a component of one's own, in TypeScript`, async () => {
      const own = join(folder, 'own');
      mkdirSync(join(own, 'demo-data/in'), { recursive: true });
      for (const name of ['my-sink.ts', 'custom-sink.properties']) {
        cpSync(join(examples, name), join(own, name));
      }
      writeFileSync(join(own, 'demo-data/in/app.log'), 'hello\n');
      const agent = startAgent(own, [node, millrace], join(own, 'custom-sink.properties'));
      const output = join(own, 'demo-data/events.jsonl');
      await waitUntil('the event is written', agent, () => {
        return existsSync(output) && readFileSync(output, 'utf8').includes('"body":"hello"');
      });
      assert.deepEqual(await agent.stop(), { code: 0, signal: null }, agent.log());
    });

    test(`on Node ${version} gives what its three entries export`, async () => {
      const script = `
        import { defineSink } from 'millrace';
        import { SimulatedDisk, sinkContract } from 'millrace/testing';
        import { decodeBatch } from 'millrace/formats';
        console.log([defineSink, SimulatedDisk, sinkContract, decodeBatch].map((x) => typeof x).join());`;
      writeFileSync(join(folder, 'entries.js'), script);
      const said = await succeed(folder, node, 'entries.js');
      assert.equal(said, 'function,function,function,function\n');
    });
  }

  for (const version of nodeVersions) {
    test(`on Node ${version} writes and reads every codec and format`, async () => {
      const folder = folderOf(version);
      const node = join(folder, 'node_modules/.bin/node');
      // bzip2 has a worker, and the native codecs come with the package.
      const script = `
        import { EventBatch } from 'millrace';
        import { codecs, createSerializer, decompressAll, eventSerializers } from 'millrace/formats';
        const text = Buffer.from('one\\ntwo\\n'.repeat(1000));
        for (const codec of codecs) {
          const member = await codec.compressor(0)([text]);
          const again = await decompressAll(codec, member, text.length);
          console.log(codec.name, again.equals(text));
        }
        const batch = EventBatch.of([{ headers: { timestamp: '1' }, body: '{}' }]);
        const options = { csv: { columns: 'body' }, avro_body: { schemaLiteral: '"string"' } };
        for (const { type } of eventSerializers) {
          const serializer = createSerializer(type, options[type]);
          const parts = [...serializer.begin(), ...serializer.write(batch)];
          parts.push(...(await serializer.flush()), ...((await serializer.end?.()) ?? []));
          console.log(type, Buffer.concat(parts).length > 0);
        }`;
      writeFileSync(join(folder, 'formats.js'), script);
      const said = await succeed(folder, node, 'formats.js');
      assert.equal(said.match(/true\n/g)?.length, 6 + 8, said);
      assert(!said.includes('false'), said);
    });
  }

  test('has types that a strict compiler accepts', async () => {
    const folder = folderOf('24.21.0');
    const source = `
      import { defineSink, EventBatch, text, type Sink } from 'millrace';
      import { componentContext, configOf, type TestContext } from 'millrace/testing';
      import { encodeBatch } from 'millrace/formats';
      const fields = { path: text({ doc: 'Where.' }) };
      export const context: TestContext = componentContext('k1');
      export const path: string = configOf(fields, { path: '/x' }).path;
      export const parts: Buffer[] = encodeBatch(EventBatch.empty);
      export type { Sink };
      export { defineSink };
      // @ts-expect-error it is no number
      export const wrong: number = path;`;
    writeFileSync(join(folder, 'types.ts'), source);
    const types = join(repositoryRoot, 'node_modules/@types');
    const tsc = join(repositoryRoot, 'node_modules/.bin/tsc');
    const options = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2023'];
    await succeed(folder, tsc, ...options, '--typeRoots', types, '--types', 'node', 'types.ts');
  });

  test('started by a Node that is too old uses the one beside it', { skip: onlyOld }, async () => {
    const [version = ''] = nodeVersions;
    const said = await succeed(
      folderOf(version),
      'node',
      'node_modules/millrace/bin/millrace',
      'version',
    );
    assert.match(said, new RegExp(`\\(Node ${version}\\)`));
  });

  test('with no other Node than one too old says what to do', { skip: onlyOld }, async () => {
    const alone = join(scratch, 'alone');
    const { code, text } = await run(
      alone,
      'node',
      'node_modules/millrace/bin/millrace',
      'version',
    );
    assert.equal(code, 1);
    assert.match(text, /^Millrace needs Node 22\.22 or newer; this is Node [\d.]+\.\n/);
    assert.match(text, /npm install node@24/);
  });
});

test('a clone, started by a Node that is too old, uses its own', { skip: onlyOld }, async () => {
  const said = await succeed(scratch, 'node', join(repositoryRoot, 'bin/millrace'), 'version');
  assert.match(said, new RegExp(`\\(Node ${process.versions.node}\\)`));
});

function startAgent(cwd: string, [node, millrace]: [string, string], conf: string): AgentProcess {
  return AgentProcess.start({
    command: node,
    args: [millrace, 'agent', '-n', 'a1', '-f', conf],
    cwd,
    env: { HOME: cwd },
    logPath: join(cwd, 'millrace.log'),
  });
}
