import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { FlowFolder, outputOf, waitUntil } from '../../testbed/flow-folder.ts';
import { repositoryRoot } from '../../testbed/millrace.ts';

const corpus = process.env['MILLRACE_CORPUS'] ?? join(repositoryRoot, '../shared/corpus');
const logs = join(corpus, 'logs');
const skip = !existsSync(logs) && `no logs at ${logs}; MILLRACE_CORPUS names the corpus`;

interface Case {
  readonly name: string;
  readonly content: string;
  /** The option that joins the lines, as the configuration has it. */
  readonly option: string;
  readonly events: readonly string[];
}

/** A case of fluent-bit's tests: records in, joined records out. */
function recordsOf(name: string, option: string): Case {
  const parsed = JSON.parse(readFileSync(join(logs, 'multiline', `${name}.json`), 'utf8'));
  const lines = (records: readonly string[]) => records.map((record) => record.replace(/\n$/, ''));
  const content = `${lines(parsed.input_records).join('\n')}\n`;
  return { name, content, option, events: lines(parsed.expected_records) };
}

/** Logs with stack traces: an event begins with its time. */
function kafkaLog(name: string): Case {
  const content = readFileSync(join(logs, 'app', name), 'utf8');
  const events = content.replace(/\n$/, '').split(/\n(?=\[\d{4}-)/);
  return { name, content, option: 'multiline.start = ^\\\\[\\\\d{4}-', events };
}

const cases = () => [
  recordsOf('java', 'multiline.continue = ^(\\\\s+(at |\\\\.\\\\.\\\\. )|Caused by:)'),
  recordsOf('python', 'multiline.continue = ^(\\\\s|\\\\w+:)'),
  recordsOf('ruby', 'multiline.continue = ^\\\\s+from '),
  kafkaLog('kafka0-logs-controller.log.2016-12-19-18'),
  kafkaLog('kafka0-logs-server.log.2016-12-19-16'),
  kafkaLog('kafka0-logs-server.log.2016-12-19-20'),
  kafkaLog('kafka2-logs-server.log.2016-12-19-19'),
];

/** A source, a channel and a sink; each event in the output begins with its headers. */
function linesOf(index: number, source: readonly string[], output: string): readonly string[] {
  return [
    ...source.map((line) => `a1.sources.r${index}.${line}`),
    `a1.sources.r${index}.channels = c${index}`,
    `a1.channels.c${index}.type = memory`,
    `a1.sinks.k${index}.type = file_roll`,
    `a1.sinks.k${index}.channel = c${index}`,
    `a1.sinks.k${index}.sink.directory = ${output}`,
    `a1.sinks.k${index}.sink.rollInterval = 0`,
    `a1.sinks.k${index}.sink.serializer = header_and_text`,
  ];
}

function eventsIn(output: string): readonly string[] {
  const text = outputOf(output).toString().replace(/\n$/, '');
  const events = text.split(/(?:^|\n)\{(?:byteoffset|basename)=[^}]+\} /);
  return events.slice(1);
}

/** One agent reads each with taildir and with spooldir. */
test('stack traces of the corpus become one event each', { skip }, async (t) => {
  const flow = new FlowFolder(t);
  const all = cases();
  const lines: string[] = [];
  const outputs = all.flatMap(({ name, content, option, events }, index) => {
    const tail = flow.folder(`tail${index}`);
    flow.file(`tail${index}/app.log`, content);
    const spool = flow.folder(`spool${index}`);
    flow.file(`spool${index}/app.log`, content);
    const limits = [option, 'multiline.timeout = 300', 'multiline.maxLines = 1000'];
    const sources = [
      [
        'type = TAILDIR',
        'filegroups = g',
        `filegroups.g = ${tail}/.*`,
        `positionFile = ${tail}.json`,
        'byteOffsetHeader = true',
        ...limits,
      ],
      [
        'type = spooldir',
        `spoolDir = ${spool}`,
        'basenameHeader = true',
        'deserializer.maxLineLength = 100000',
        ...limits,
      ],
    ];
    return sources.map((source, kind) => {
      const output = flow.folder(`out${index}-${kind}`);
      lines.push(...linesOf(index * 2 + kind, source, output));
      return { name: `${name} by ${source[0]}`, output, events };
    });
  });
  const names = (prefix: string) => outputs.map((_, index) => prefix + index).join(' ');
  lines.unshift(
    `a1.sources = ${names('r')}`,
    `a1.channels = ${names('c')}`,
    `a1.sinks = ${names('k')}`,
  );
  const agent = flow.startMillrace(flow.file('flow.properties', `${lines.join('\n')}\n`));
  await waitUntil('everything is delivered', agent, () => {
    return outputs.every(({ output, events }) => eventsIn(output).length >= events.length);
  });
  assert.equal((await agent.stop()).code, 0);
  for (const { name, output, events } of outputs) {
    assert.deepEqual(eventsIn(output), events, name);
  }
  const traces = outputs.flatMap(({ events }) => events).filter((each) => each.includes('\tat '));
  assert(traces.length > 50, `only ${traces.length} traces`);
});
