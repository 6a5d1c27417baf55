import { readFile, stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Clock, Random } from '../core/clock.ts';
import { FormatError } from '../core/errors.ts';
import type { Logger } from '../core/log.ts';
import { HdfsClient } from './client.ts';

export interface ReadUrlOptions {
  /** The folder with core-site.xml and hdfs-site.xml. */
  readonly confDir?: string | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** What is read is a schema or the like. */
const maxBytes = 16 * 1024 * 1024;
const timeoutMs = 30_000;

/**
 * The content of a small file, by `hdfs:`, `file:`, `http:` or `https:` URL.
 *
 * @throws FormatError when it is none of these, or larger than 16 MiB; the error of the system
 */
export async function readUrl(url: string, options: ReadUrlOptions): Promise<Buffer> {
  const scheme = /^([a-z]+):/i.exec(url)?.[1]?.toLowerCase();
  switch (scheme) {
    case 'hdfs':
      return readHdfs(url, options);
    case 'file': {
      const path = fileURLToPath(url);
      checkSize(url, (await stat(path)).size);
      return readFile(path);
    }
    case 'http':
    case 'https':
      return readHttp(url);
    default:
      throw new FormatError(`${url} is no URL of hdfs, file, http or https`, 0);
  }
}

async function readHdfs(url: string, options: ReadUrlOptions): Promise<Buffer> {
  const { confDir, ...rest } = options;
  const [, authority = '', path = '/'] = /^hdfs:(?:\/\/([^/]*))?(\/.*)$/i.exec(url) ?? [];
  const client = await HdfsClient.open({
    ...rest,
    ...(confDir && { confDir }),
    ...(authority && { url: `hdfs://${authority}` }),
  });
  try {
    const found = await client.stat(path);
    if (!found) throw new FormatError(`there is no ${url}`, 0);
    checkSize(url, found.length);
    return await client.readFile(path);
  } finally {
    client.close();
  }
}

async function readHttp(url: string): Promise<Buffer> {
  const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
  if (!response.ok) throw new FormatError(`${url} answers ${response.status}`, 0);
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of response.body ?? []) {
    bytes += part.length;
    checkSize(url, bytes);
    parts.push(Buffer.from(part));
  }
  return Buffer.concat(parts);
}

function checkSize(url: string, bytes: number): void {
  if (bytes > maxBytes) throw new FormatError(`${url} has more than ${maxBytes} bytes`, maxBytes);
}
