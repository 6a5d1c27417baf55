import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { FlowFolder, outputOf, waitUntil } from '../../testbed/flow-folder.ts';
import { flumeMissing } from '../../testbed/flume.ts';

/** Ends of lines, and bytes that are no character: alone, broken off, a surrogate, too long. */
const output = Buffer.concat([
  Buffer.from('LF\nCRLF\r\nCR\rtwo LFs\n\ntwo CRLFs\r\n\r\nCR LF CR\r\n\rGrüße, 漢字 😀\n'),
  Buffer.from(
    'ff\xff c3\xc3( e2\xe2\x82( f0\xf0\x9f\x98( ed\xed\xa0\x80( c0\xc0\xaf( \xf5\xfe\n',
    'latin1',
  ),
  Buffer.from(`${'long '.repeat(40_000)}\n`),
  Buffer.from('an end within a character \xe2\x82\nlast line \xf0\x9f\x98', 'latin1'),
]);

const printsArguments = 'for word in "$@"; do printf "[%s]\\n" "$word"; done\n';

/** The lines of each source, but for its type. */
function variants(flow: FlowFolder): Readonly<Record<string, readonly string[]>> {
  const bytes = flow.file('output.bin', output);
  const script = flow.file('arguments.sh', printsArguments);
  const restart = ['restart = true', 'restartThrottle = 300'];
  return {
    words: [`command = sh ${script}   "a b" 'c d' $HOME * \\\\n ; echo`],
    shell: ['shell = /bin/sh -c', 'command = echo "a  b" | tr a c; printf last'],
    shellWords: [`shell = /bin/sh ${script}  -x`, 'command = a "b  c"  d'],
    bytes: [`command = cat ${bytes}`],
    small: [`command = cat ${bytes}`, 'batchSize = 1'],
    latin1: [`command = cat ${bytes}`, 'charset = ISO-8859-1'],
    ascii: [`command = cat ${bytes}`, 'charset = US-ASCII'],
    again: ['shell = /bin/sh -c', 'command = echo again; exit 3', ...restart],
    killed: ['shell = /bin/sh -c', 'command = echo killed; kill -9 $$', ...restart],
    errors: ['shell = /bin/sh -c', 'command = echo no >&2; echo yes', 'logStdErr = true'],
  };
}

function confOf(
  sources: Readonly<Record<string, readonly string[]>>,
  flow: FlowFolder,
  peer: string,
) {
  const names = Object.keys(sources);
  const listed = (prefix: string) => names.map((name) => `${prefix}_${name}`).join(' ');
  const lines = [`a1.sources = ${listed('r')}`];
  lines.push(`a1.channels = ${listed('c')}`, `a1.sinks = ${listed('k')}`);
  for (const [name, options] of Object.entries(sources)) {
    lines.push(
      `a1.sources.r_${name}.type = exec`,
      ...options.map((option) => `a1.sources.r_${name}.${option}`),
      `a1.sources.r_${name}.channels = c_${name}`,
      `a1.channels.c_${name}.type = memory`,
      `a1.channels.c_${name}.keep-alive = 1`,
      `a1.sinks.k_${name}.type = file_roll`,
      `a1.sinks.k_${name}.channel = c_${name}`,
      `a1.sinks.k_${name}.sink.directory = ${flow.folder(`${peer}-${name}`)}`,
      `a1.sinks.k_${name}.sink.rollInterval = 0`,
      // Shows the headers as well.
      `a1.sinks.k_${name}.sink.serializer = header_and_text`,
    );
  }
  return flow.file(`${peer}.properties`, `${lines.join('\n')}\n`);
}

/** Run again and again: how often is a matter of time. */
const repeated = ['again', 'killed'];

test('the same commands in Flume and in Millrace', { skip: flumeMissing() }, async (t) => {
  const flow = new FlowFolder(t);
  const sources = variants(flow);
  const written = (peer: string, name: string) => outputOf(flow.folder(`${peer}-${name}`));
  for (const peer of ['flume', 'millrace'] as const) {
    const conf = confOf(sources, flow, peer);
    const agent = peer === 'flume' ? flow.startFlume(conf) : flow.startMillrace(conf);
    await waitUntil('all is there', agent, () => {
      return Object.keys(sources).every((name) => {
        const there = written(peer, name);
        if (repeated.includes(name)) return there.toString().split('\n').length > 3;
        return peer === 'flume'
          ? hasLast(name, there)
          : there.length >= written('flume', name).length;
      });
    });
    await agent.stop();
    if (peer === 'millrace') assert.match(readFileSync(agent.logPath, 'utf8'), /"line":"no"/);
  }
  for (const name of Object.keys(sources)) {
    const [theirs, ours] = [written('flume', name), written('millrace', name)];
    if (repeated.includes(name)) {
      const distinct = (bytes: Buffer) => [...new Set(bytes.toString().split('\n'))];
      assert.deepEqual(distinct(ours), distinct(theirs), name);
    } else assert.deepEqual(ours.toString('latin1'), theirs.toString('latin1'), name);
  }
});

/** Has the last line of the source's output come? */
function hasLast(name: string, there: Buffer): boolean {
  const last = { words: '[echo]', shell: 'last', shellWords: '[a "b  c"  d]', errors: 'yes' };
  return there.includes(last[name as keyof typeof last] ?? 'last line');
}
