/**
 * Real HDFS from Maven Central: NameNodes and DataNodes, each a process of its own on 127.0.0.1, so
 * that a test can kill or stop one of them. On its own it runs a cluster in the foreground:
 * `node testbed/hdfs.ts /tmp/folder [datanodes] [ha]`.
 */
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { AgentProcess } from './agent-process.ts';
import { jarsMissing, jarsOf, javaCommand } from './jars.ts';
import { freePorts, isListening } from './ports.ts';

export interface HdfsOptions {
  /** For data, logs and configurations; made when it is not there. */
  readonly folder: string;
  readonly dataNodes?: number;
  /** Two NameNodes, n1 and n2, of the nameservice `millrace`, with their edits in one folder. */
  readonly ha?: boolean;
  /** Settings of NameNodes and DataNodes, beside or over those of this file. */
  readonly settings?: Readonly<Record<string, string>>;
  /** The largest heap of each process, such as `192m`. */
  readonly heap?: string;
}

interface NameNode {
  readonly name: string;
  readonly rpcPort: number;
  readonly httpPort: number;
  process?: AgentProcess;
}

interface DataNode {
  readonly name: string;
  /** Data, IPC and HTTP. */
  readonly ports: readonly [number, number, number];
  process?: AgentProcess;
}

const readyMs = 120_000;
const pollMs = 100;
const packages = 'org.apache.hadoop.hdfs';
/** What JDK 17 keeps from Hadoop otherwise. */
const opened = ['lang', 'nio', 'util', 'net'].map(
  (name) => `--add-opens=java.base/java.${name}=ALL-UNNAMED`,
);

/** Why HDFS can't run here, for the `skip` of a test; `false` when it can. */
export function hdfsMissing(): string | false {
  return jarsMissing('hdfs');
}

export class HdfsCluster {
  readonly folder: string;
  readonly nameNodes: readonly NameNode[];
  readonly dataNodes: readonly DataNode[];
  readonly #options: HdfsOptions;
  /** From then on a process that is gone was killed by its test. */
  #started = false;

  private constructor(options: HdfsOptions, ports: readonly number[]) {
    this.folder = options.folder;
    this.#options = options;
    const port = (index: number) => ports[index] ?? 0;
    const names = options.ha ? ['n1', 'n2'] : ['n1'];
    this.nameNodes = names.map((name, index) => ({
      name,
      rpcPort: port(2 * index),
      httpPort: port(2 * index + 1),
    }));
    this.dataNodes = Array.from({ length: options.dataNodes ?? 3 }, (_, index) => ({
      name: `d${index + 1}`,
      ports: [port(4 + 3 * index), port(5 + 3 * index), port(6 + 3 * index)],
    }));
  }

  /** Formatted, started, and with all DataNodes registered. */
  static async start(options: HdfsOptions): Promise<HdfsCluster> {
    const ports = await freePorts(4 + 3 * (options.dataNodes ?? 3));
    const cluster = new HdfsCluster(options, ports);
    for (const { name } of [...cluster.nameNodes, ...cluster.dataNodes]) cluster.#configure(name);
    cluster.#configure('client');
    try {
      await cluster.#format();
      for (const node of cluster.nameNodes) cluster.startNameNode(node.name);
      // A DataNode that comes too early waits for 5 s.
      for (const { rpcPort } of cluster.nameNodes) await cluster.#until(() => isListening(rpcPort));
      for (const node of cluster.dataNodes) cluster.startDataNode(node.name);
      if (options.ha) await cluster.activate('n1');
      await cluster.untilLive(cluster.dataNodes.length);
    } catch (error) {
      await cluster.stop();
      throw error;
    }
    cluster.#started = true;
    return cluster;
  }

  /** The folder with core-site.xml and hdfs-site.xml for a client. */
  get confDir(): string {
    return join(this.folder, 'client');
  }

  /** `hdfs://…`, as a client names the cluster. */
  get url(): string {
    const [first] = this.nameNodes;
    return this.#options.ha ? 'hdfs://millrace' : `hdfs://127.0.0.1:${first?.rpcPort}`;
  }

  startNameNode(name: string): void {
    const node = this.nameNodes.find((each) => each.name === name);
    if (node) node.process = this.#java(name, `${packages}.server.namenode.NameNode`);
  }

  startDataNode(name: string): void {
    const node = this.dataNodes.find((each) => each.name === name);
    if (node) node.process = this.#java(name, `${packages}.server.datanode.DataNode`);
  }

  /** The process of a node, to stop or kill it. */
  process(name: string): AgentProcess {
    const node = [...this.nameNodes, ...this.dataNodes].find((each) => each.name === name);
    if (!node?.process) throw new Error(`${name} does not run`);
    return node.process;
  }

  /** The DataNode that serves data at this port. */
  dataNodeAt(port: number): DataNode {
    const node = this.dataNodes.find(({ ports }) => ports[0] === port);
    if (!node) throw new Error(`no DataNode at port ${port}`);
    return node;
  }

  /** Makes one NameNode the active one, and every other a standby before. */
  async activate(name: string): Promise<void> {
    for (const other of this.nameNodes) {
      if (other.name === name || other.process?.hasExited !== false) continue;
      await this.#until(() => this.#haAdmin('-transitionToStandby', other.name));
    }
    // Forced: the command would ask the other one first, which may be dead.
    await this.#until(() => this.#haAdmin('-transitionToActive', '--forceactive', name));
  }

  /** Resolves when a NameNode knows so many live DataNodes and is out of safe mode. */
  async untilLive(count: number): Promise<void> {
    await this.#until(async () => {
      for (const { ports, process } of this.dataNodes) {
        if (process?.hasExited === false && !(await isListening(ports[0]))) return false;
      }
      for (const { httpPort } of this.nameNodes) {
        const state = await beanOf(httpPort, 'NameNode,name=FSNamesystemState');
        const info = await beanOf(httpPort, 'NameNode,name=NameNodeInfo');
        if (state?.['NumLiveDataNodes'] === count && info?.['Safemode'] === '') return true;
      }
      return false;
    });
  }

  /** `hdfs dfs …`; gives its standard output. */
  async dfs(...args: string[]): Promise<Buffer> {
    return this.run('org.apache.hadoop.fs.FsShell', args);
  }

  /** What `hdfs fsck <path>` prints. */
  async fsck(path: string, ...args: string[]): Promise<string> {
    return (await this.run(`${packages}.tools.DFSck`, [path, ...args])).toString();
  }

  /** What starts a command of Hadoop, with its arguments. */
  command(main: string, args: readonly string[]): string[] {
    return [javaCommand(), ...this.#javaOptions('client'), main, ...args];
  }

  /** A command of Hadoop; rejects with what it printed when it fails. */
  async run(main: string, args: readonly string[]): Promise<Buffer> {
    const [java = '', ...rest] = this.command(main, args);
    const { stdout } = await promisify(execFile)(java, rest, {
      encoding: 'buffer',
      maxBuffer: 256 << 20,
      env: { ...process.env, HADOOP_USER_NAME: userInfo().username },
    });
    return stdout;
  }

  async stop(): Promise<void> {
    const processes = [...this.nameNodes, ...this.dataNodes].map((node) => node.process);
    await Promise.all(processes.map((process) => process?.hasExited || process?.kill()));
  }

  #java(name: string, main: string, ...args: string[]): AgentProcess {
    return AgentProcess.start({
      command: javaCommand(),
      args: [...this.#javaOptions(name), main, ...args],
      logPath: join(this.folder, `${name}.log`),
      env: { HADOOP_USER_NAME: userInfo().username },
    });
  }

  #javaOptions(name: string): string[] {
    const path = [
      join(this.folder, name),
      join(import.meta.dirname, 'hdfs'),
      `${jarsOf('hdfs')}/*`,
    ];
    const heap = name === 'client' ? '256m' : (this.#options.heap ?? '128m');
    return [
      ...[`-Xmx${heap}`, '-XX:+UseSerialGC', '-Djava.net.preferIPv4Stack=true', ...opened],
      // Less CPU at the start, where most of a test's time goes; a benchmark names a larger heap.
      ...(this.#options.heap === undefined ? ['-XX:TieredStopAtLevel=1'] : []),
      ...['-cp', path.join(':')],
    ];
  }

  async #format(): Promise<void> {
    const format = this.#java('n1', `${packages}.server.namenode.NameNode`, '-format', '-force');
    const { code } = await format.exited;
    if (code !== 0) throw new Error(`format failed:\n${format.log().slice(-3_000)}`);
    if (!this.#options.ha) return;
    cpSync(join(this.folder, 'data/n1'), join(this.folder, 'data/n2'), { recursive: true });
  }

  async #haAdmin(...args: string[]): Promise<boolean> {
    try {
      await this.run(`${packages}.tools.DFSHAAdmin`, ['-ns', 'millrace', ...args]);
      return true;
    } catch {
      return false;
    }
  }

  async #until(condition: () => Promise<boolean>): Promise<void> {
    const deadline = performance.now() + readyMs;
    while (!(await condition())) {
      const nodes = [...this.nameNodes, ...this.dataNodes];
      const gone = nodes.find((node) => node.process?.hasExited);
      if (performance.now() > deadline || (gone && !this.#started)) {
        const log = (gone ?? nodes[0])?.process?.log() ?? '';
        throw new Error(`HDFS is not ready; ${gone?.name ?? 'n1'} said:\n${log.slice(-3_000)}`);
      }
      await sleep(pollMs);
    }
  }

  /** Writes the configuration of one process. */
  #configure(name: string): void {
    const folder = join(this.folder, name);
    // The servers look for their web pages on the class path; a folder without any will do.
    for (const pages of ['hdfs', 'datanode']) {
      mkdirSync(join(folder, 'webapps', pages), { recursive: true });
    }
    writeFileSync(join(folder, 'core-site.xml'), siteXml({ 'fs.defaultFS': this.url }));
    writeFileSync(join(folder, 'hdfs-site.xml'), siteXml(this.#settings(name)));
  }

  #settings(name: string): Record<string, string> {
    const dataNode = this.dataNodes.find((each) => each.name === name);
    const [data, ipc, http] = dataNode?.ports ?? [0, 0, 0];
    return {
      'dfs.replication': String(Math.min(3, this.dataNodes.length)),
      'dfs.blocksize': '1m',
      'dfs.namenode.fs-limits.min-block-size': '4096',
      'dfs.namenode.safemode.extension': '0',
      'dfs.namenode.lease-recheck-interval-ms': '1000',
      'dfs.namenode.heartbeat.recheck-interval': '1000',
      'dfs.namenode.redundancy.interval.seconds': '1s',
      'dfs.heartbeat.interval': '1',
      // With so few DataNodes one that is busy for a moment would count as overloaded.
      'dfs.namenode.redundancy.considerLoad': 'false',
      'dfs.namenode.datanode.registration.ip-hostname-check': 'false',
      'dfs.datanode.hostname': '127.0.0.1',
      'dfs.datanode.data.dir': join(this.folder, 'data', name),
      'dfs.datanode.address': `127.0.0.1:${data}`,
      'dfs.datanode.ipc.address': `127.0.0.1:${ipc}`,
      'dfs.datanode.http.address': `127.0.0.1:${http}`,
      [`hadoop.proxyuser.${userInfo().username}.hosts`]: '*',
      [`hadoop.proxyuser.${userInfo().username}.groups`]: '*',
      ...this.#nameNodeSettings(name),
      ...this.#options.settings,
    };
  }

  #nameNodeSettings(name: string): Record<string, string> {
    const own = this.nameNodes.some((each) => each.name === name) ? name : 'n1';
    const settings: Record<string, string> = {
      'dfs.namenode.name.dir': join(this.folder, 'data', own),
    };
    const suffixOf = (node: NameNode) => (this.#options.ha ? `.millrace.${node.name}` : '');
    for (const node of this.nameNodes) {
      settings[`dfs.namenode.rpc-address${suffixOf(node)}`] = `127.0.0.1:${node.rpcPort}`;
      settings[`dfs.namenode.http-address${suffixOf(node)}`] = `127.0.0.1:${node.httpPort}`;
    }
    if (!this.#options.ha) return settings;
    return {
      ...settings,
      'dfs.nameservices': 'millrace',
      'dfs.ha.namenodes.millrace': 'n1,n2',
      ...(own === name && { 'dfs.ha.namenode.id': name }),
      'dfs.namenode.shared.edits.dir': `file://${join(this.folder, 'data/edits')}`,
      'dfs.ha.tail-edits.period': '1',
      'dfs.ha.nn.not-become-active-in-safemode': 'false',
      'dfs.client.failover.proxy.provider.millrace': `${packages}.server.namenode.ha.ConfiguredFailoverProxyProvider`,
    };
  }
}

function siteXml(settings: Readonly<Record<string, string>>): string {
  const properties = Object.entries(settings).map(
    ([name, value]) => `  <property><name>${name}</name><value>${value}</value></property>\n`,
  );
  return `<?xml version="1.0"?>\n<configuration>\n${properties.join('')}</configuration>\n`;
}

/** Whether something listens there. */
async function beanOf(port: number, name: string): Promise<Record<string, unknown> | undefined> {
  try {
    const response = await fetch(
      `http://127.0.0.1:${port}/jmx?qry=Hadoop:service=${encodeURIComponent(name)}`,
    );
    const { beans } = (await response.json()) as { beans: Record<string, unknown>[] };
    return beans[0];
  } catch {
    return undefined;
  }
}

if (import.meta.main) {
  const [folder = '', dataNodes = '3', ha] = process.argv.slice(2);
  const why = hdfsMissing();
  if (why) throw new Error(`HDFS ${why}`);
  const cluster = await HdfsCluster.start({
    folder,
    dataNodes: Number(dataNodes),
    ha: ha === 'ha',
  });
  process.stdout.write(`${cluster.url}, configuration in ${cluster.confDir}\n`);
  await cluster.process('n1').exited;
}
