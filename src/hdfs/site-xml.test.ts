import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { ConfigError } from '../core/errors.ts';
import { readConfig } from './config.ts';
import { UnsupportedError } from './errors.ts';
import { expand, parseSiteXml, readSiteFiles } from './site-xml.ts';

const parse = (body: string) =>
  Object.fromEntries(
    [...parseSiteXml(body, 'x.xml')].map(([name, { value, final }]) => [
      name,
      final ? `${value} (final)` : value,
    ]),
  );

describe("Hadoop's configuration files", () => {
  test('are read with comments, CDATA, entities and what is not needed', () => {
    const found = parse(`<?xml version="1.0" encoding="UTF-8"?>
      <?xml-stylesheet type="text/xsl" href="configuration.xsl"?>
      <!-- a comment with <tags> -->
      <configuration xmlns:x="y">
        <property>
          <name> a.b </name>
          <value>
            one &lt;&amp;&#x41;&#66;
          </value>
          <description>Some <b>bold</b> words.</description>
          <source>somewhere</source>
        </property>
        <property><name>c</name><value><![CDATA[<raw> & such]]></value>
          <final>true</final></property>
        <property><name>c</name><value>too late</value></property>
        <property><name>empty</name><value/></property>
        <property><name>nothing</name></property>
      </configuration>
      <!-- and one behind it -->`);
    assert.deepEqual(found, { 'a.b': 'one <&AB', c: '<raw> & such (final)', empty: '' });
  });

  test('that say what is not understood are refused, with the line', () => {
    const wrong: Readonly<Record<string, RegExp>> = {
      '': /x.xml, line 1: must begin with <configuration>/,
      '<configuration>': /is not closed/,
      '<other></other>': /must begin with/,
      '<configuration>\n<xi:include href="more.xml"/></configuration>': /line 2: xi:include is not/,
      '<configuration>text</configuration>': /text outside an element/,
      '<configuration><section/></configuration>': /<section> is not understood/,
      '<configuration></property>': /<\/property> closes <configuration>/,
      '<configuration/><configuration/>': /something follows/,
      '<!DOCTYPE configuration []><configuration/>': /document types/,
      '<configuration><property><value>x</value></property></configuration>': /without a <name>/,
      '<configuration><property name="a"/></configuration>': /attributes of <property>/,
      '<configuration><property><name>&evil;</name></property></configuration>': /&evil is not/,
      '<configuration><property><name>a</property></configuration>': /closes <name>/,
      '<configuration><!-- </configuration>': /<!-- without -->/,
      '<configuration><property><name>a</name><value>b': /is not closed/,
      '<configuration>< /configuration>': /a broken tag/,
    };
    for (const [text, message] of Object.entries(wrong)) {
      assert.throws(
        () => parse(text),
        (error) => error instanceof ConfigError && message.test(error.message),
        text,
      );
    }
    const deep = `<configuration>${'<property>'.repeat(100)}`;
    assert.throws(() => parse(deep), /nested too deeply/);
  });

  test('of a folder are joined, but for what is final', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-conf-'));
    const file = (name: string, properties: string) =>
      writeFileSync(join(folder, name), `<configuration>${properties}</configuration>`);
    const property = (name: string, value: string, final = false) =>
      `<property><name>${name}</name><value>${value}</value><final>${final}</final></property>`;
    assert.equal((await readSiteFiles(folder)).size, 0);
    file('core-site.xml', property('a', '1') + property('b', '2', true));
    file('hdfs-site.xml', property('a', '3') + property('b', '4'));
    assert.deepEqual(
      [...(await readSiteFiles(folder))],
      [
        ['a', '3'],
        ['b', '2'],
      ],
    );
    rmSync(folder, { recursive: true });
  });

  test('have variables, from each other and from the environment', () => {
    const settings = new Map([
      ['name', 'x'],
      ['twice', `\${name}-\${name}`],
      ['nested', `\${twice}/\${unknown}`],
      ['home', `\${env.HOME_OF_TEST}/\${env.NONE:-default}\${env.EMPTY-set}`],
      ['round', `\${around}`],
      ['around', `\${round}!`],
    ]);
    const environment = { HOME_OF_TEST: '/home', EMPTY: '' };
    const value = (key: string) => expand(key, settings, environment);
    assert.equal(value('nested'), `x-x/\${unknown}`);
    assert.equal(value('home'), '/home/default');
    assert.equal(value('missing'), undefined);
    assert.throws(() => value('round'), /round: its value expands without an end/);
  });
});

describe("Hadoop's settings", () => {
  const read = (settings: Record<string, string>, url?: string) =>
    readConfig(new Map(Object.entries(settings)), url, {});

  test('name one NameNode, or those of a nameservice', () => {
    assert.deepEqual(read({ 'fs.defaultFS': 'hdfs://n' }).nameNodes, [{ host: 'n', port: 8020 }]);
    assert.deepEqual(read({}, 'hdfs://[::1]:9/').nameNodes, [{ host: '::1', port: 9 }]);
    const ha = {
      'fs.defaultFS': 'hdfs://ns',
      'dfs.ha.namenodes.ns': 'a, b',
      'dfs.namenode.rpc-address.ns.a': 'one:1',
      'dfs.namenode.rpc-address.ns.b': 'two',
    };
    assert.deepEqual(read(ha).nameNodes, [
      { host: 'one', port: 1 },
      { host: 'two', port: 8020 },
    ]);
    const missing = { ...ha, 'dfs.namenode.rpc-address.ns.b': '' };
    assert.throws(() => read(missing), /dfs.namenode.rpc-address.ns.b: is missing/);
    for (const url of ['file:///', 'hdfs:///', 'hdfs://a:b', 'hdfs://a:99999', 'hdfs://a/b']) {
      assert.throws(() => read({ 'fs.defaultFS': url }), ConfigError, url);
    }
    assert.throws(() => read({}), /no URL/);
  });

  test('are read with their units', () => {
    const config = read({
      'fs.defaultFS': 'hdfs://n',
      'dfs.blocksize': '256m',
      'dfs.client.datanode-restart.timeout': '5s',
      'dfs.client.socket-timeout': '1000',
      'fs.permissions.umask-mode': '077',
      'dfs.user.home.dir.prefix': '/home/',
      'dfs.client.block.write.replace-datanode-on-failure.policy': 'always',
      'dfs.checksum.type': 'CRC32',
    });
    assert.equal(config.write.blockSize, 256 << 20);
    assert.equal(config.write.restartTimeoutMs, 5_000);
    assert.equal(config.socketTimeoutMs, 1_000);
    assert.equal(config.umask, 0o077);
    assert.equal(config.homePrefix, '/home');
    assert.equal(config.write.replacement.policy, 'ALWAYS');
    assert.equal(config.write.checksumType, 1);
    assert.equal(config.write.replication, undefined);
  });

  test('that are wrong are named, and Kerberos is refused', () => {
    const url = { 'fs.defaultFS': 'hdfs://n' };
    for (const [key, value] of [
      ['dfs.replication', '-1'],
      ['dfs.blocksize', '1x'],
      ['dfs.checksum.type', 'MD5'],
      ['dfs.client.datanode-restart.timeout', 'soon'],
      ['fs.permissions.umask-mode', 'u=rwx'],
      ['dfs.client.use.datanode.hostname', 'maybe'],
      ['dfs.client.block.write.replace-datanode-on-failure.policy', 'SOMETIMES'],
    ] as const) {
      assert.throws(() => read({ ...url, [key]: value }), { code: 'CONFIG', key });
    }
    const kerberos = { ...url, 'hadoop.security.authentication': 'kerberos' };
    assert.throws(() => read(kerberos), UnsupportedError);
  });
});
