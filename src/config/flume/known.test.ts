import assert from 'node:assert/strict';
import { test } from 'node:test';
import { flumeClass, flumeClasses } from '../flume-types.ts';
import { kinds } from '../reference.ts';
import { knownComponent, knownComponents } from './known.ts';

test('the tables and the list of Flume types name the same components', () => {
  for (const kind of kinds) {
    const listed = [...flumeClasses(kind).keys()].sort();
    const known = knownComponents(kind).map(({ type }) => type);
    assert.deepEqual([...known].sort(), listed, kind);
  }
});

test('every component can be found by its word in any case and by its class', () => {
  for (const known of knownComponents()) {
    const { kind, type, classes } = known;
    assert.equal(knownComponent(kind, type.toUpperCase()), known);
    for (const name of classes) assert.equal(knownComponent(kind, name), known, name);
  }
  assert.equal(knownComponent('sink', 'org.apache.flume.sink.hdfs.HDFSEventSink')?.type, 'hdfs');
  assert.equal(knownComponent('sink', 'taildir'), undefined);
});

test('every component has a class, a sentence, and fields that can be read', () => {
  for (const known of knownComponents()) {
    const { kind, type, summary, classes, fields, conditions } = known;
    assert.ok(classes.length > 0 || type.includes('.'), `${kind} ${type}`);
    assert.match(summary, /^[A-Z].*[.:)]?$/s);
    for (const [name, field] of Object.entries(fields)) {
      assert.ok(field.doc !== '' || field.deprecated || field.ignored, `${type} ${name}`);
      assert.equal(field.prefix === true, name.endsWith('*'), name);
      // A condition is about options that exist.
      const condition = conditions.get(name);
      for (const other of condition?.slice(3).split(', ') ?? []) {
        assert.ok(fields[other], `${type} ${name}: ${condition}`);
      }
    }
  }
});

test('each component of the six kinds that Millrace may lack says what to do', () => {
  // These are here, and say nothing of what to do without them.
  const ours = new Set([
    ...['taildir', 'seq', 'memory', 'file', 'spillablememory', 'null', 'logger', 'file_roll'],
    ...[
      'hdfs',
      'timestamp',
      'host',
      'static',
      'replicating',
      'text',
      'header_and_text',
      'avro_event',
    ],
    'org.apache.flume.source.StressSource',
    'org.apache.flume.channel.PseudoTxnMemoryChannel',
    'org.apache.flume.sink.hdfs.AvroEventSerializer$Builder',
  ]);
  for (const kind of kinds) {
    for (const { type, instead } of knownComponents(kind)) {
      if (!ours.has(type)) assert.match(instead ?? '', /^[A-Z][\s\S]+[.*]$/, type);
      assert.equal(flumeClass(kind, type) !== undefined, true);
    }
  }
});

test('keys, facts and parts of an entry belong to its options', () => {
  for (const { type, fields, batch, claims = '', parts = {} } of knownComponents()) {
    const keys = [...(batch?.split(' ') ?? []), ...Object.keys(parts)];
    for (const key of keys) assert.ok(fields[key], `${type} ${key}`);
    for (const claim of claims.split(', ').filter(Boolean)) {
      const [, where = ''] = claim.split(' ');
      for (const key of where.split(':').filter((each) => !/^[\d.]+$/.test(each))) {
        assert.ok(fields[key], `${type} claims ${key}`);
      }
    }
  }
});

test('the notation gives types, defaults and conditions', () => {
  const { fields, conditions } = knownComponent('source', 'avro') ?? assert.fail();
  assert.equal(fields['bind']?.required, true);
  assert.equal(fields['compression-type']?.parse('DEFLATE'), 'deflate');
  assert.throws(() => fields['compression-type']?.parse('gzip'), /none, deflate/);
  assert.throws(() => fields['port']?.parse('70000'), /at most 65535/);
  assert.equal(conditions.get('keystore'), 'if ssl');
  assert.equal(fields['keystore-password']?.secret, true);
  const hdfs = knownComponent('sink', 'hdfs')?.fields ?? {};
  assert.equal(hdfs['hdfs.rollSize']?.default, 1024);
  assert.equal(hdfs['hdfs.rollSize']?.unit, 'bytes');
  assert.equal(hdfs['hdfs.closeTries']?.defaultText, 'no limit');
  assert.throws(() => hdfs['hdfs.writeFormat']?.parse('text'), /in these letters/);
  assert.equal(hdfs['hdfs.writeFormat']?.parse('com.example.F'), 'com.example.F');
});
