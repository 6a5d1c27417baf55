import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { accessLines } from '../../bench/generate-log.ts';
import { parseFlumeTracker } from '../../src/sources/spooldir/flume-tracker.ts';
import { FlowFolder, outputOf, waitUntil } from '../../testbed/flow-folder.ts';
import { flumeMissing } from '../../testbed/flume.ts';

const line = accessLines(7);
const text = (lines: number) => Array.from({ length: lines }, () => `${line()}\n`).join('');

/** An agent that reads one folder into another. */
function spoolToFiles(folder: string, output: string, source: readonly string[] = []): string {
  const lines = [
    'a1.sources = r1',
    'a1.channels = c1',
    'a1.sinks = k1',
    'a1.sources.r1.type = spooldir',
    'a1.sources.r1.channels = c1',
    `a1.sources.r1.spoolDir = ${folder}`,
    ...source.map((each) => `a1.sources.r1.${each}`),
    'a1.channels.c1.type = memory',
    'a1.channels.c1.capacity = 1000',
    'a1.sinks.k1.type = file_roll',
    'a1.sinks.k1.channel = c1',
    `a1.sinks.k1.sink.directory = ${output}`,
    'a1.sinks.k1.sink.rollInterval = 0',
  ];
  return `${lines.join('\n')}\n`;
}

/** An agent with a source, a channel and a sink for each folder. */
function manySpools(
  folders: readonly { folder: string; output: string; options: readonly string[] }[],
): string {
  const names = (prefix: string) => folders.map((_, index) => prefix + index).join(' ');
  const lines = [`a1.sources = ${names('r')}`];
  lines.push(`a1.channels = ${names('c')}`, `a1.sinks = ${names('k')}`);
  for (const [index, { folder, output, options }] of folders.entries()) {
    lines.push(
      `a1.sources.r${index}.type = spooldir`,
      `a1.sources.r${index}.channels = c${index}`,
      `a1.sources.r${index}.spoolDir = ${folder}`,
      ...options.map((option) => `a1.sources.r${index}.${option}`),
      `a1.channels.c${index}.type = memory`,
      `a1.sinks.k${index}.type = file_roll`,
      `a1.sinks.k${index}.channel = c${index}`,
      `a1.sinks.k${index}.sink.directory = ${output}`,
      `a1.sinks.k${index}.sink.rollInterval = 0`,
    );
  }
  return `${lines.join('\n')}\n`;
}

/** How far Flume has read its current file; undefined while it does not say. */
function positionIn(folder: string): number | undefined {
  const path = join(folder, '.flumespool/.flumespool-main.meta');
  const bytes = existsSync(path) ? readFileSync(path) : Buffer.alloc(0);
  return bytes.length > 0 ? parseFlumeTracker(bytes).offset : undefined;
}

describe('a spool directory', { skip: flumeMissing() }, () => {
  test('that Flume was reading when it was killed is gone on with, at its offset', async (t) => {
    const flow = new FlowFolder(t);
    const folder = flow.folder('in');
    const content = text(400_000);
    flow.file('in/app.log', content);
    const conf = spoolToFiles(folder, flow.folder('first'), ['batchSize = 10']);
    const flume = flow.startFlume(flow.file('first.properties', conf));
    await waitUntil('Flume is in the file', flume, () => (positionIn(folder) ?? 0) > 1_000_000);
    await flume.kill();
    const offset = positionIn(folder) ?? 0;
    assert(offset < content.length, 'Flume was killed too late');

    const output = flow.folder('second');
    const conf2 = spoolToFiles(folder, output);
    const millrace = flow.startMillrace(flow.file('second.properties', conf2));
    const rest = content.slice(offset);
    await waitUntil('the rest is there', millrace, () => {
      return existsSync(join(folder, 'app.log.COMPLETED'));
    });
    assert.equal((await millrace.stop()).code, 0);
    assert(outputOf(output).toString() === rest, 'exactly what Flume had not committed');
    assert.equal(positionIn(folder), undefined, 'its tracker is gone');
  });

  test('in which Millrace was stopped within a file is gone on with by Flume', async (t) => {
    const flow = new FlowFolder(t);
    const folder = flow.folder('in');
    const content = text(200_000);
    flow.file('in/app.log', content);
    const first = flow.folder('first');
    const conf = spoolToFiles(folder, first, ['batchSize = 1']);
    const millrace = flow.startMillrace(flow.file('first.properties', conf));
    await waitUntil('Millrace is in the file', millrace, () => outputOf(first).length > 0);
    assert.equal((await millrace.stop()).code, 0);
    assert.equal(positionIn(folder), outputOf(first).length, 'its tracker says what it delivered');
    assert(outputOf(first).length < content.length, 'Millrace was stopped too late');

    const second = flow.folder('second');
    const rest = content.length - outputOf(first).length;
    const conf2 = spoolToFiles(folder, second);
    const flume = flow.startFlume(flow.file('second.properties', conf2));
    await waitUntil('the rest is there', flume, () => outputOf(second).length >= rest);
    await flume.stop();
    assert(Buffer.concat([outputOf(first), outputOf(second)]).toString() === content);
  });

  test('gives the same events, and ends the same, with both', async (t) => {
    const flow = new FlowFolder(t);
    const long = 'é€\u{1F600}'.repeat(600);
    const files: Readonly<Record<string, string>> = {
      'lines.log': text(300),
      'crlf.log': 'one\r\n\r\ntwo\r\nrest',
      'empty.log': '',
      'newline.log': '\n',
      'long.log': `${'x'.repeat(2047)}\n${'y'.repeat(2048)}\n${'z'.repeat(5000)}\nend`,
      'exact.log': 'w'.repeat(4096),
      'wide.log': `${long}\n${long}${long}\nend\n`,
      'bom.log': '\ufeffmarked\n',
      'ignored.tmp': 'no\n',
      '.hidden': 'no\n',
    };
    const outputs: string[] = [];
    for (const peer of ['flume', 'millrace'] as const) {
      const folder = flow.folder(`in-${peer}`);
      for (const [index, [name, content]] of Object.entries(files).entries()) {
        const path = flow.file(`in-${peer}/${name}`, content);
        utimesSync(path, 1_700_000_000 + index, 1_700_000_000 + index);
      }
      const output = flow.folder(`out-${peer}`);
      const source = ['ignorePattern = .*\\\\.tmp', 'basenameHeader = true'];
      const conf = flow.file(`${peer}.properties`, spoolToFiles(folder, output, source));
      const agent = peer === 'flume' ? flow.startFlume(conf) : flow.startMillrace(conf);
      const size = () => outputOf(output).length;
      await waitUntil('all is read', agent, () => {
        return readdirSync(folder).includes('bom.log.COMPLETED') && size() > 0;
      });
      await agent.stop();
      outputs.push(outputOf(output).toString());
      const names = readdirSync(folder).filter((name) => name !== '.flumespool');
      const expected = Object.keys(files).map((name) => {
        return name.endsWith('.log') ? `${name}.COMPLETED` : name;
      });
      assert.deepEqual(names.sort(), expected.sort(), peer);
      assert(statSync(folder).isDirectory());
    }
    assert.equal(outputs[1], outputs[0]);
  });

  test('gives the same bodies in other charsets, and of bytes that are no character', async (t) => {
    const flow = new FlowFolder(t);
    const bad =
      'a\xffb\n\xc3\n\xe2\x82\n\xed\xa0\x80x\n\xf0\x9f\x98\nok\xe9\n\xc0\xaf\xf5\n\xf0\x80\x80\n';
    const cases: readonly (readonly [options: string[], content: Buffer])[] = [
      [['inputCharset = ISO-8859-1'], Buffer.from('caf\xe9\n\x80\xff\n', 'latin1')],
      [['inputCharset = windows-1252'], Buffer.from('\x80 5\n\x93q\x94\n', 'latin1')],
      [['inputCharset = GBK'], Buffer.from('d6d0cec40a81400a61', 'hex')],
      [['inputCharset = Shift_JIS'], Buffer.from('82a00a835c0ab1b20a', 'hex')],
      [['inputCharset = EUC-KR'], Buffer.from('b0a1c7d10a', 'hex')],
      [['inputCharset = UTF-16LE'], Buffer.from('é\n\u0a0a\n\u{1F600}\nx', 'utf16le')],
      [['inputCharset = UTF-16'], Buffer.from('\ufeffé\nx\n', 'utf16le')],
      [['inputCharset = UTF-16'], Buffer.from('é\nx\n', 'utf16le').swap16()],
      [['decodeErrorPolicy = REPLACE'], Buffer.from(bad, 'latin1')],
      [['decodeErrorPolicy = IGNORE'], Buffer.from(bad, 'latin1')],
      [['inputCharset = US-ASCII', 'decodeErrorPolicy = REPLACE'], Buffer.from('aéb\n')],
      [
        ['inputCharset = GBK', 'deserializer.maxLineLength = 3'],
        Buffer.from('d6d0cec4d6d0cec40a61d6d06262620a', 'hex'),
      ],
      [
        ['inputCharset = ISO-8859-1', 'deserializer.outputCharset = ISO-8859-1'],
        Buffer.from('caf\xe9\n\x80\n', 'latin1'),
      ],
    ];
    const outputs = new Map<string, string[]>();
    for (const peer of ['flume', 'millrace'] as const) {
      const folders = cases.map(([options, content], index) => {
        const folder = flow.folder(`${peer}-in${index}`);
        flow.file(`${peer}-in${index}/a.log`, content);
        return { folder, output: flow.folder(`${peer}-out${index}`), options };
      });
      const conf = flow.file(`${peer}.properties`, manySpools(folders));
      const agent = peer === 'flume' ? flow.startFlume(conf) : flow.startMillrace(conf);
      await waitUntil('all is read', agent, () => {
        return folders.every(({ folder }) => existsSync(join(folder, 'a.log.COMPLETED')));
      });
      await agent.stop();
      outputs.set(
        peer,
        folders.map(({ output }) => outputOf(output).toString('hex')),
      );
    }
    assert(outputs.get('flume')?.every((output) => output.length > 0));
    assert.deepEqual(outputs.get('millrace'), outputs.get('flume'));
  });
});
