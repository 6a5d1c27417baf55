import assert from 'node:assert/strict';
import { test } from 'node:test';
import { base, outcome, plan } from './fake-components.ts';

const port = base.replace('= tail', '= port').replace('r.file = /x', 'r.port = 1');
const two = `${base.replace('= k\n', '= k l\n')}a.sinks.l.type = null\na.sinks.l.channel = c\n`;
const group = 'a.sinkgroups = g\na.sinkgroups.g.sinks = k l\na.sinkgroups.g.processor.type = ';

// What Flume drops is dropped and named; r|c|k is what is left of sources, channels and sinks.
const cases: readonly [title: string, lines: string, left: string, findings: readonly string[]][] =
  [
    [
      'a class of Flume is its component',
      base.replace('= tail', '= org.apache.flume.source.TailSource'),
      'r|c|k',
      [],
    ],
    [
      'a listed name without lines is dropped',
      base.replace('= r\n', '= r r2\n'),
      'r|c|k',
      ['error component-without-lines 1'],
    ],
    [
      'lines of a name that is not listed have no effect',
      `${base}a.sinks.k2.type = null`,
      'r|c|k',
      ['warning unlisted-component 10'],
    ],
    [
      'a component without a type is dropped',
      base.replace('a.sinks.k.type = null\n', ''),
      'r|c|',
      ['warning channel-without-sink 7', 'error missing-type 8'],
    ],
    [
      'an unknown type drops its component only',
      base.replace('= null', '= nul'),
      'r|c|',
      ['warning channel-without-sink 7', 'error unknown-type 8'],
    ],
    [
      'a component of Flume that is not here yet is named so',
      base.replace('= null', '= HDFS'),
      'r|c|',
      [
        'warning channel-without-sink 7',
        'error missing-key 8',
        'error type-not-yet 8',
        'warning small-files 8',
      ],
    ],
    [
      'a Java class is named as such',
      base.replace('= null', '= com.example.Sink'),
      'r|c|',
      ['warning channel-without-sink 7', 'error unknown-class 8'],
    ],
    [
      'a source without channels is dropped',
      base.replace('a.sources.r.channels = c\n', ''),
      '|c|k',
      ['error missing-channel 4', 'warning channel-without-source 6'],
    ],
    [
      'an unknown channel among good ones is left out',
      base.replace('r.channels = c', 'r.channels = c d'),
      'r|c|k',
      ['error unknown-channel 6'],
    ],
    [
      'a source with unknown channels only is dropped',
      base.replace('r.channels = c', 'r.channels = d'),
      '|c|k',
      ['error unknown-channel 6', 'warning channel-without-source 7'],
    ],
    [
      'a sink without a channel is dropped',
      base.replace('a.sinks.k.channel = c\n', ''),
      'r|c|',
      ['warning channel-without-sink 7', 'error missing-channel 8'],
    ],
    [
      'a sink with an unknown channel is dropped',
      base.replace('k.channel = c', 'k.channel = d'),
      'r|c|',
      ['warning channel-without-sink 7', 'error unknown-channel 9'],
    ],
    [
      'without a list of channels nothing runs',
      base.replace('a.channels = c\n', ''),
      '||',
      ['error no-channels 1'],
    ],
    [
      'a missing required option drops the component',
      base.replace('a.sources.r.file = /x\n', ''),
      '|c|k',
      ['error missing-key 4'],
    ],
    [
      'a bad number drops the component',
      `${base}a.sources.r.batchSize = 10k`,
      '|c|k',
      ['error bad-value 10'],
    ],
    [
      'a bad number of a lenient option gives the default',
      `${base}a.channels.c.capacity = 10k`,
      'r|c|k',
      ['warning bad-value 10'],
    ],
    [
      'a rule across fields drops the component',
      base.replace('/x', '/none'),
      '|c|k',
      ['error bad-value 5'],
    ],
    [
      'an unknown option is a warning',
      `${base}a.sources.r.fiel = /y`,
      'r|c|k',
      ['warning unknown-key 10'],
    ],
    [
      'an empty value is as if it were not set',
      `${base}a.sources.r.batchSize =`,
      'r|c|k',
      ['warning empty-value 10'],
    ],
    [
      'a duplicate is a warning at the line that lost',
      `${base}a.sources.r.file = /y`,
      'r|c|k',
      ['warning duplicate-key 5'],
    ],
    [
      'what looks like a comment is a warning',
      base.replace('/x', '/x # the file'),
      'r|c|k',
      ['warning comment-in-value 5'],
    ],
    [
      'a batch larger than the transaction drops the source',
      `${base}a.sources.r.batchSize = 101`,
      '|c|k',
      ['error batch-too-large 10'],
    ],
    [
      'a batch larger than the transaction drops the sink',
      `${base}a.sinks.k.batchSize = 101`,
      'r|c|',
      ['warning channel-without-sink 7', 'error batch-too-large 10'],
    ],
    [
      'a channel that nothing uses is left out',
      `${base}a.channels = c d\na.channels.d.type = memory`,
      'r|c|k',
      ['warning duplicate-key 2', 'warning unused-channel 11'],
    ],
    [
      'a bad interceptor drops its source',
      `${base}a.sources.r.interceptors = i\na.sources.r.interceptors.i.type = sttic`,
      '|c|k',
      ['error unknown-type 11'],
    ],
    [
      'an interceptor without a type drops its source',
      `${base}a.sources.r.interceptors = i`,
      '|c|k',
      ['error missing-type 10'],
    ],
    [
      'an interceptor that is not listed is a warning',
      `${base}a.sources.r.interceptors.i.type = static`,
      'r|c|k',
      ['warning unlisted-component 10'],
    ],
    [
      'an unknown selector drops its source',
      `${base}a.sources.r.selector.type = x`,
      '|c|k',
      ['error unknown-type 10'],
    ],
    [
      'an unknown channel of a multiplexing selector drops its source',
      `${base}a.sources.r.selector.type = multiplexing\na.sources.r.selector.mapping.A.B = d`,
      '|c|k',
      ['error unknown-channel 11'],
    ],
    [
      'an unknown optional channel of a replicating selector is ignored',
      `${base}a.sources.r.selector.optional = d`,
      'r|c|k',
      ['warning unknown-channel 10'],
    ],
    [
      'an unknown option of a selector is a warning',
      `${base}a.sources.r.selector.optinal = c`,
      'r|c|k',
      ['warning unknown-key 10'],
    ],
    [
      'a boolean that is no boolean is false, and a warning',
      `${port}a.sources.r.ssl = yes`,
      'r|c|k',
      ['note lost-at-crash 4', 'warning not-a-boolean 10'],
    ],
    [
      'of two that want the same file the later goes',
      `${base}a.sources = r s\n${base.replaceAll('.r.', '.s.').split('\n').slice(3, 6).join('\n')}`,
      'r|c|k',
      ['warning duplicate-key 1', 'error clash 12'],
    ],
    [
      'an expression without value is a warning',
      base.replace('/x', '$' + '{nothing}'),
      'r|c|k',
      ['warning unresolved 5'],
    ],
    [
      'a line of no section is a warning',
      `${base}a.sorces.r.type = tail`,
      'r|c|k',
      ['warning unknown-section 10'],
    ],
    [
      'a failover group runs its sinks side by side',
      `${two}${group}failover`,
      'r|c|k l',
      ['warning bad-priority 13', 'warning bad-priority 13', 'error group-not-yet 14'],
    ],
    [
      'a load balancing group is a warning',
      `${two}${group}load_balance`,
      'r|c|k l',
      ['warning group-not-yet 14'],
    ],
    [
      'a group without sinks is named, where Flume loads nothing',
      `${base}a.sinkgroups = g\na.sinkgroups.g.processor.type = failover`,
      'r|c|k',
      ['error missing-key 11'],
    ],
    [
      'a group without a processor is named',
      `${base}a.sinkgroups = g\na.sinkgroups.g.sinks = k`,
      'r|c|k',
      ['error missing-key 11'],
    ],
    [
      'a group with an unknown sink does without',
      `${two}${group.replace('= k l', '= k l m')}load_balance`,
      'r|c|k l',
      ['error unknown-sink 13', 'warning group-not-yet 14'],
    ],
  ];

for (const [title, lines, left, findings] of cases) {
  test(title, async () => {
    const found = outcome(await plan(lines));
    assert.deepEqual({ left: found.left, findings: found.findings }, { left, findings });
  });
}
