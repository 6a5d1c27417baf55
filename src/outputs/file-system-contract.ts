import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { FileExistsError, type FileSystem, type OutputFile } from './file-system.ts';

/** A file system under test. */
export interface FileSystemSubject {
  /** As another process has it: the same files, another creator. */
  readonly open: () => Promise<FileSystem>;
  /** What somebody reads who has nothing to do with who writes. */
  readonly read: (path: string) => Promise<Buffer>;
  /** A directory for the tests, which need not be there. */
  readonly folder: () => string;
  /** Promises it does not make: title → reason. */
  readonly skip?: Readonly<Record<string, string>>;
}

/** What every file system of the sink promises. */
export function fileSystemContract(name: string, subject: FileSystemSubject): void {
  let count = 0;
  const promises = (title: string, body: (world: World) => Promise<void>) => {
    const folder = () => `${subject.folder()}/${title.replace(/\W+/g, '-')}/${count}`;
    test(`${name}: ${title}`, { skip: subject.skip?.[title] ?? false }, async () => {
      count++;
      const opened: FileSystem[] = [];
      const open = async () => {
        const fileSystem = await subject.open();
        opened.push(fileSystem);
        return fileSystem;
      };
      try {
        await body({ ...subject, open, files: await open(), at: (path) => `${folder()}/${path}` });
      } finally {
        for (const fileSystem of opened) await fileSystem.close();
      }
    });
  };
  for (const describe of [creating, writing, cutting, renaming, removing, whose]) {
    describe(promises);
  }
}

interface World extends FileSystemSubject {
  readonly files: FileSystem;
  /** A path of the test's own. */
  readonly at: (path: string) => string;
}

type Promises = (title: string, body: (world: World) => Promise<void>) => void;

function creating(promises: Promises): void {
  promises('a new file is empty, in directories that are made', async ({ files, at, read }) => {
    const path = at('a/b/file');
    assert.equal(await files.stat(path), undefined);
    const file = await files.create(path);
    assert.equal(file.path, path);
    assert.deepEqual(await files.stat(path), { id: file.id, length: 0 });
    assert.equal((await read(path)).length, 0);
    await file.close();
    assert.deepEqual(await files.stat(path), { id: file.id, length: 0 });
    assert(files.uriOf(path).endsWith(path) && /^\w+:\/\/[^/]*\//.test(files.uriOf(path)));
  });

  promises('a name that is taken is refused, whoever has it', async ({ files, open, at, read }) => {
    const path = at('taken');
    const other = await open();
    assert.notEqual(other.creator, files.creator);
    const file = await files.create(path);
    await file.write([Buffer.from('mine')]);
    for (const each of [files, other]) await assert.rejects(each.create(path), FileExistsError);
    await file.close();
    for (const each of [files, other]) await assert.rejects(each.create(path), FileExistsError);
    assert.equal(`${await read(path)}`, 'mine');
  });

  promises('two files have two ids', async ({ files, at }) => {
    const [one, other] = [await files.create(at('one')), await files.create(at('other'))];
    assert.notEqual(one.id, other.id);
  });
}

function writing(promises: Promises): void {
  promises('what was flushed is there for everybody, in its order', async ({ files, at, read }) => {
    const file = await files.create(at('flushed'));
    const writes = [file.write(buffers('a', 'bc')), file.write([]), file.write(buffers('d'))];
    await file.flush();
    assert.equal(`${await read(file.path)}`, 'abcd');
    await Promise.all(writes);
    await Promise.all([file.write(buffers('e')), file.flush(), file.flush()]);
    assert.equal(`${await read(file.path)}`, 'abcde');
    await file.flush();
    await files.sync();
    assert.equal(`${await read(file.path)}`, 'abcde');
  });

  promises('a closed file has all that was written', async ({ files, at, read }) => {
    const file = await files.create(at('closed'));
    await file.write(buffers('flushed '));
    await file.flush();
    await file.write(buffers('and not'));
    await file.close();
    assert.equal(`${await read(file.path)}`, 'flushed and not');
    assert.deepEqual(await files.stat(file.path), { id: file.id, length: 15 });
    await files.sync();
    await assert.rejects(file.write(buffers('more')));
    await assert.rejects(file.flush());
    await file.abandon();
    assert.equal(`${await read(file.path)}`, 'flushed and not');
  });

  promises('an abandoned file takes nothing more', async ({ files, at, read }) => {
    const file = await files.create(at('abandoned'));
    await file.write(buffers('flushed'));
    await file.flush();
    await file.abandon();
    await assert.rejects(file.write(buffers('late')));
    await assert.rejects(file.flush());
    await assert.rejects(file.close());
    await file.abandon();
    assert.equal(`${await read(file.path)}`, 'flushed');
  });

  promises('once all is closed, nothing more is written', async ({ open, at, read }) => {
    const own = await open();
    const file = await own.create(at('closed-over'));
    await file.write(buffers('flushed'));
    await file.flush();
    await own.close();
    await assert.rejects(file.write(buffers('late')).then(() => file.flush()));
    await assert.rejects(file.close());
    assert.equal(`${await read(file.path)}`, 'flushed');
    await own.close();
  });
}

function cutting(promises: Promises): void {
  promises('an abandoned file is cut to a length', async ({ files, at, read }) => {
    for (const length of [1, 4, 7]) {
      const file = await abandoned(files, at(`left-${length}`));
      assert.equal(await files.cut(file.path, length), length);
      assert.equal(`${await read(file.path)}`, 'flushed'.slice(0, length));
      assert.deepEqual(await files.stat(file.path), { id: file.id, length });
      assert.equal(await files.cut(file.path, length), length, 'again');
    }
  });

  promises('a file is cut that a process left that is gone', async (world) => {
    const { files, open, at, read } = world;
    const gone = await open();
    const file = await gone.create(at('gone'));
    await file.write(buffers('flushed'));
    await file.flush();
    await gone.close();
    assert.equal(await files.cut(file.path, 5), 5);
    assert.equal(`${await read(file.path)}`, 'flush');
    assert.equal((await files.stat(file.path))?.id, file.id);
  });

  promises('who writes a file that somebody cuts is told', async ({ files, open, at, read }) => {
    const other = await open();
    const file = await other.create(at('stolen'));
    await file.write(buffers('flushed'));
    await file.flush();
    assert.equal(await files.cut(file.path, 5), 5);
    await assert.rejects(async () => {
      await file.write(buffers('late'));
      await file.close();
    });
    await file.abandon();
    assert.equal(`${await read(file.path)}`, 'flush');
  });

  promises('a file that this process writes is taken from it', async ({ files, at, read }) => {
    const file = await files.create(at('own'));
    await file.write(buffers('flushed'));
    await file.flush();
    assert.equal(await files.cut(file.path, 5), 5);
    await assert.rejects(async () => {
      await file.write(buffers('late'));
      await file.close();
    });
    await file.abandon();
    assert.equal(`${await read(file.path)}`, 'flush');
  });

  promises('a closed file is cut, and never made longer', async ({ files, at, read }) => {
    const file = await closed(files, at('whole'), 'whole');
    assert.equal(await files.cut(file.path, 9), 5);
    assert.equal(`${await read(file.path)}`, 'whole');
    assert.equal(await files.cut(file.path, 3), 3);
    assert.equal(`${await read(file.path)}`, 'who');
    assert.equal((await files.stat(file.path))?.id, file.id);
  });

  promises('what is missing of a file is told when it is cut', async ({ files, at, read }) => {
    const file = await abandoned(files, at('short'));
    assert.equal(await files.cut(file.path, 9), 7);
    assert.equal(`${await read(file.path)}`, 'flushed');
  });

  promises('to cut what is not there is an error', async ({ files, at }) => {
    await assert.rejects(files.cut(at('nothing'), 3));
  });
}

function renaming(promises: Promises): void {
  promises('a file has the same id under another name', async ({ files, at, read }) => {
    const file = await closed(files, at('from'), 'content');
    await files.rename(file.path, at('to'));
    assert.equal(await files.stat(file.path), undefined);
    assert.deepEqual(await files.stat(at('to')), { id: file.id, length: 7 });
    assert.equal(`${await read(at('to'))}`, 'content');
  });

  promises('a rename replaces nothing', async ({ files, at, read }) => {
    const file = await closed(files, at('from'), 'content');
    // Of the same length, and empty.
    for (const content of ['another', '']) {
      const other = await closed(files, at(`to-${content}`), content);
      await assert.rejects(files.rename(file.path, other.path), FileExistsError);
      assert.equal(`${await read(other.path)}`, content);
      assert.equal((await files.stat(other.path))?.id, other.id);
    }
    assert.deepEqual(await files.stat(file.path), { id: file.id, length: 7 });
  });

  promises('a rename that was done changes nothing again', async ({ files, at, read }) => {
    const file = await closed(files, at('from'), 'content');
    await files.rename(file.path, at('to'));
    await assert.rejects(files.rename(file.path, at('to')));
    assert.deepEqual(await files.stat(at('to')), { id: file.id, length: 7 });
    assert.equal(`${await read(at('to'))}`, 'content');
  });
}

function removing(promises: Promises): void {
  promises('a file is removed, open or not', async ({ files, open, at }) => {
    const other = await open();
    const all = [
      await closed(files, at('closed'), 'content'),
      await abandoned(files, at('abandoned')),
      await files.create(at('open')),
      await other.create(at('of-another')),
    ];
    for (const { path } of all) {
      await files.remove(path);
      assert.equal(await files.stat(path), undefined);
      await files.remove(path);
      await (await files.create(path)).close();
    }
    await files.sync();
  });

  promises('to remove what is not there is no error', async ({ files, at }) => {
    await files.remove(at('no/such/file'));
  });
}

function whose(promises: Promises): void {
  promises('an empty file is known as left by who made it', async ({ files, open, at }) => {
    const gone = await open();
    const { path } = await gone.create(at('gone'));
    await gone.close();
    assert.equal(await files.isLeftBy(path, gone.creator), true);
    const own = await files.create(at('own'));
    await own.abandon();
    assert.equal(await files.isLeftBy(own.path, files.creator), true);
  });

  promises('an empty file that is closed is nobody’s', async ({ files, open, at }) => {
    const other = await open();
    const { path } = await closed(other, at('empty'), '');
    assert.equal(await files.isLeftBy(path, files.creator), true);
  });

  promises('an empty file that another one writes is not', async ({ files, open, at }) => {
    const other = await open();
    const { path } = await other.create(at('open'));
    assert.equal(await files.isLeftBy(path, files.creator), false);
  });

  promises('what holds anything is not', async ({ files, open, at }) => {
    const other = await open();
    const { path } = await closed(other, at('full'), 'content');
    for (const { creator } of [files, other]) {
      assert.equal(await files.isLeftBy(path, creator), false);
    }
    const left = await abandoned(other, at('left'));
    assert.equal(await files.isLeftBy(left.path, files.creator), false);
  });

  promises('neither is a directory, nor nothing', async ({ files, at }) => {
    await closed(files, at('directory/file'), '');
    await files.remove(at('directory/file'));
    assert.equal(await files.isLeftBy(at('directory'), files.creator), false);
    assert.equal(await files.isLeftBy(at('nothing'), files.creator), false);
  });
}

function buffers(...texts: string[]): Buffer[] {
  return texts.map((text) => Buffer.from(text));
}

async function closed(files: FileSystem, path: string, content: string): Promise<OutputFile> {
  const file = await files.create(path);
  if (content !== '') await file.write(buffers(content));
  await file.close();
  return file;
}

/** With `flushed` in it. */
async function abandoned(files: FileSystem, path: string): Promise<OutputFile> {
  const file = await files.create(path);
  await file.write(buffers('flushed'));
  await file.flush();
  await file.abandon();
  return file;
}
