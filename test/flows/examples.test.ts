import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import type { AgentProcess } from '../../testbed/agent-process.ts';
import { FlowFolder, outputFiles, outputOf, waitUntil } from '../../testbed/flow-folder.ts';
import { repositoryRoot } from '../../testbed/millrace.ts';
import { sendOnce, sendTcp, sendUdp } from './send-once.ts';

const examples = join(repositoryRoot, 'examples');
const lines = 'a first line\na second\n';

/** What an example has done when it works; asked again and again until it is true. */
type Works = (flow: FlowFolder, agent: AgentProcess) => boolean;

const works: Readonly<Record<string, Works>> = {
  'tail-to-files': (flow) => written(flow, 'out') === lines,
  'tail-spillable': (flow) => written(flow, 'out') === lines,
  'tail-durable': (flow) => written(flow, 'out') === lines,
  'spool-to-files': (flow) => {
    const renamed = existsSync(join(flow.path, 'demo-data/in/app.log.COMPLETED'));
    return renamed && written(flow, 'out') === lines;
  },
  'exec-to-files': (flow) => /\d\d:\d\d:\d\d[^\n]*\n.* \d+% /.test(written(flow, 'out')),
  // Whether there is a journal to read is the machine's affair.
  'journal-to-files': (_, agent) => agent.log().includes('Running.'),
  'netcat-to-files': (flow, agent) => {
    sendOnce(agent, 'a line', () => sendTcp(44444, 'over TCP\n'));
    sendOnce(agent, 'a datagram', () => sendUdp(44445, 'over UDP\n'));
    const written = outputOf(join(flow.path, 'demo-data/out')).toString();
    const datagram = /^\{sender=\/127\.0\.0\.1:\d+\} over UDP$/m.test(written);
    return datagram && /^\{\} over TCP$/m.test(written);
  },
  'syslog-to-files': (flow, agent) => {
    sendOnce(agent, 'lines', () => sendTcp(5140, '<13>Nov 20 10:11:12 box app: over TCP\n'));
    sendOnce(agent, 'octets', () => sendTcp(5141, '36 <13>1 - box app - - - counted octets'));
    sendOnce(agent, 'a datagram', () => sendUdp(5142, '<14>1 - box app - - - over UDP'));
    const text = written(flow, 'out');
    return (
      /^\{.*priority=13.*\} Nov 20 10:11:12 box app: over TCP$/m.test(text) &&
      /^\{.*port=5141.*\} app - - - counted octets$/m.test(text) &&
      /^\{.*sender=127\.0\.0\.1.*\} app - - - over UDP$/m.test(text)
    );
  },
  'stack-traces': (flow) => {
    const text = written(flow, 'out');
    return text === '{byteoffset=0} a first line\n{byteoffset=13} a second\n';
  },
  'tail-to-two-channels': (flow) => {
    return written(flow, 'archive') === lines && written(flow, 'copy') === lines;
  },
  'seq-to-logger': (_, agent) => {
    // The bodies 0 and 19, as bytes and as text.
    return /body: 30 +0 }/.test(agent.log()) && /body: 31 39 +19 }/.test(agent.log());
  },
  'stress-to-null': (_, agent) => agent.log().includes('Events dropped.'),
  headers: (flow) => {
    const each = /^\{[^}]*timestamp=\d{13}[^}]*\} a (first line|second)$/gm;
    const text = written(flow, 'out');
    const named = ['team=web', 'datacenter=north', 'byteoffset=13', 'host='];
    return text.match(each)?.length === 2 && named.every((header) => text.includes(header));
  },
  gzip: (flow) => unzipped(flow, 'out') === lines,
  'custom-sink': (flow) => {
    const path = join(flow.path, 'demo-data/events.jsonl');
    const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
    const bodies = text
      .trim()
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line).body);
    return bodies.join('\n') === lines.trim();
  },
};

function written(flow: FlowFolder, name: string): string {
  return outputOf(join(flow.path, 'demo-data', name)).toString();
}

/** Nothing while a member is still being written. */
function unzipped(flow: FlowFolder, name: string): string {
  try {
    const files = outputFiles(join(flow.path, 'demo-data', name));
    return files.map((path) => gunzipSync(readFileSync(path)).toString()).join('');
  } catch {
    return '';
  }
}

describe('the example', () => {
  // The one that needs a cluster is in test/interop.
  const files = readdirSync(examples).filter((name) => /^(?!.*-to-hdfs).*\.properties$/.test(name));
  for (const name of files.map((file) => file.replace('.properties', ''))) {
    test(`${name} runs as its comment says, and stops`, async (t) => {
      const flow = new FlowFolder(t);
      const path = join(examples, `${name}.properties`);
      const comment = readFileSync(path, 'utf8');
      assert(comment.includes(`bin/millrace agent -n a1 -f examples/${name}.properties`));
      const made = /mkdir -p (.*)/.exec(comment)?.[1] ?? '';
      for (const folder of made.split(' ').filter(Boolean)) flow.folder(folder);
      if (made.includes('demo-data/in')) flow.file('demo-data/in/app.log', lines);
      const agent = flow.startMillrace(path);
      const isDone = works[name];
      assert(isDone, `no test says what ${name} does`);
      await waitUntil(`${name} has done its work`, agent, () => isDone(flow, agent));
      assert.deepEqual(await agent.stop(), { code: 0, signal: null });
    });
  }
});
