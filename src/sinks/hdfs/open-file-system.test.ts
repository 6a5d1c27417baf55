import { strict as assert } from 'node:assert';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, test } from 'node:test';
import { ManualClock } from '../../testing/manual-clock.ts';
import { Prng } from '../../testing/prng.ts';
import { RecordingLogger } from '../../testing/recording-logger.ts';
import { SimulatedDisk } from '../../testing/simulated-disk.ts';
import { type FileSystemOptions, openFileSystem } from './open-file-system.ts';

const folder = mkdtempSync(join(tmpdir(), 'millrace-open-'));
const variables = ['HADOOP_CONF_DIR', 'HADOOP_HOME', 'HADOOP_USER_NAME'];
const before = variables.map((name) => [name, process.env[name]] as const);
let log = new RecordingLogger();

afterEach(() => {
  log = new RecordingLogger();
  for (const [name, value] of before) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
});
after(() => rmSync(folder, { recursive: true }));

/** A folder whose core-site.xml says this. */
function confDir(name: string, defaultFS: string | undefined): string {
  const path = join(folder, name);
  mkdirSync(path, { recursive: true });
  const property = `<property><name>fs.defaultFS</name><value>${defaultFS}</value></property>`;
  const body = defaultFS === undefined ? '' : property;
  writeFileSync(join(path, 'core-site.xml'), `<configuration>${body}</configuration>`);
  return path;
}

/** The URI of `/x` in what is opened, and where relative paths begin. */
async function opened(uri: string, options: Partial<FileSystemOptions> = {}) {
  const [, scheme, authority] = /^(?:(\w+):(?:\/\/([^/]*))?)?/.exec(uri) ?? [];
  const place = { scheme, authority: authority || undefined };
  const { fileSystem, home } = await openFileSystem(place, {
    durability: 'hflush',
    disk: new SimulatedDisk(),
    clock: new ManualClock(),
    random: new Prng(1),
    log,
    ...options,
  });
  await fileSystem.close();
  return { uri: fileSystem.uriOf('/x'), home, creator: fileSystem.creator };
}

test('a URI with a scheme and a host is where it says', async () => {
  process.env['HADOOP_CONF_DIR'] = confDir('other', 'hdfs://elsewhere:8020');
  process.env['HADOOP_USER_NAME'] = 'flume';
  const hdfs = await opened('hdfs://namenode:9000/logs');
  assert.deepEqual([hdfs.uri, hdfs.home], ['hdfs://namenode:9000/x', '/user/flume']);
  assert.match(hdfs.creator, /^millrace-[0-9a-f]{24}$/);
  const local = await opened('file:///logs');
  assert.deepEqual([local.uri, local.home], ['file:///x', process.cwd()]);
  assert.match(local.creator, /^millrace-[0-9a-f]{24}$/);
  assert.equal((await opened('FILE:/logs')).uri, 'file:///x');
  assert.equal((await opened('hdfs://n:1/', { proxyUser: 'other' })).home, '/user/other');
});

test('without a host it is where fs.defaultFS says, in the first folder named', async () => {
  process.env['HADOOP_HOME'] = join(folder, 'home');
  confDir('home/etc/hadoop', 'hdfs://of-home:8020/');
  assert.equal((await opened('/logs')).uri, 'hdfs://of-home:8020/x');
  process.env['HADOOP_CONF_DIR'] = confDir('variable', 'hdfs://of-variable:8020');
  assert.equal((await opened('/logs')).uri, 'hdfs://of-variable:8020/x');
  // biome-ignore lint/suspicious/noTemplateCurlyInString: Hadoop's own variables.
  const option = confDir('option', 'hdfs://${name}:8020');
  const settings = { name: 'of-option' };
  const options = { confDir: option, settings };
  assert.equal((await opened('/logs', options)).uri, 'hdfs://of-option:8020/x');
  assert.equal((await opened('hdfs:/logs', options)).uri, 'hdfs://of-option:8020/x');
  assert.equal((await opened('hdfs:///logs')).uri, 'hdfs://of-variable:8020/x');
  process.env['HADOOP_CONF_DIR'] = confDir('local', 'file:///');
  assert.equal((await opened('/logs')).uri, 'file:///x');
  assert.deepEqual(log.lines, []);
});

test('where nothing is configured, files are local, and that is said', async () => {
  delete process.env['HADOOP_CONF_DIR'];
  delete process.env['HADOOP_HOME'];
  assert.equal((await opened('/logs')).uri, 'file:///x');
  assert.match(JSON.stringify(log.lines), /No fs.defaultFS is set/);
});

test('what can’t be written to is refused by its name', async () => {
  delete process.env['HADOOP_CONF_DIR'];
  delete process.env['HADOOP_HOME'];
  const refused = (message: RegExp) => ({ code: 'CONFIG', message });
  await assert.rejects(opened('s3a://bucket/logs'), refused(/^hdfs\.path: .* s3a: only hdfs/));
  await assert.rejects(opened('hdfs:///logs'), refused(/^hdfs\.path: names no host.*file:\/\/\/$/));
  const nowhere = { confDir: join(folder, 'nowhere') };
  await assert.rejects(opened('/logs', nowhere), refused(/^hdfs\.confDir: .*nowhere$/));
  const s3 = { confDir: confDir('s3', 's3a://bucket') };
  await assert.rejects(opened('/logs', s3), refused(/^fs\.defaultFS: .* s3a: only hdfs/));
  const odd = { confDir: confDir('odd', 'namenode') };
  await assert.rejects(opened('/logs', odd), refused(/^fs\.defaultFS: .* namenode: only/));
});
