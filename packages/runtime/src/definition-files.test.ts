import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TemporaryDirectory, temporaryDirectory } from '@laminar/test';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DefinitionFiles } from './definition-files.js';

let directory: TemporaryDirectory;
let root: string;
let outside: string;

beforeEach(async () => {
  directory = await temporaryDirectory('files');
  root = join(directory.path, 'root');
  outside = join(directory.path, 'root-outside');
  await mkdir(join(root, 'inner'), { recursive: true });
  await mkdir(outside);
  await writeFile(join(root, 'inner', 'file'), 'content');
  await writeFile(join(outside, 'secret'), 'secret');
});
afterEach(() => directory.remove());

const read = async (roots: readonly string[] | undefined, path: string, bytesMax = 100) =>
  new TextDecoder().decode(await new DefinitionFiles(roots).read(path, bytesMax));
const refused = { name: 'FileUnavailable', problem: 'refused' };

describe('files that definitions name', () => {
  it('are any, or those under the roots, or none', async () => {
    const path = join(root, 'inner', 'file');
    expect(await read(undefined, path)).toBe('content');
    expect(await read(['/nowhere', root], path)).toBe('content');
    expect(await read([`${root}/`], join(root, '.', 'inner', '..', 'inner', 'file'))).toBe('content');
    await expect(read([], path)).rejects.toMatchObject(refused);
    await expect(read([outside], path)).rejects.toMatchObject({ ...refused, message: expect.stringContaining(path) });
  });

  it('are not reached by .. , by a folder of a longer name, or by a link', async () => {
    await expect(read([root], `${root}/../root-outside/secret`)).rejects.toMatchObject(refused);
    await expect(read([root], join(outside, 'secret'))).rejects.toMatchObject(refused);
    await symlink(join(outside, 'secret'), join(root, 'link'));
    await symlink(outside, join(root, 'folder'));
    await expect(read([root], join(root, 'link'))).rejects.toMatchObject(refused);
    await expect(read([root], join(root, 'folder', 'secret'))).rejects.toMatchObject(refused);
    expect(await read([root, outside], join(root, 'link'))).toBe('secret');
  });

  it('may lie under a root that is a link itself', async () => {
    const link = join(directory.path, 'link');
    await symlink(root, link);
    for (const roots of [[link], [root]]) expect(await read(roots, join(root, 'inner', 'file'))).toBe('content');
    expect(await read([link], join(link, 'inner', 'file'))).toBe('content');
  });

  it('that are missing say so, but not those outside', async () => {
    await expect(read([root], join(root, 'none'))).rejects.toMatchObject({ problem: 'missing' });
    await expect(read(undefined, join(root, 'inner', 'file', 'x'))).rejects.toMatchObject({ problem: 'missing' });
    await expect(read([root], join(outside, 'none'))).rejects.toMatchObject(refused);
  });

  it('that are too large, or no files, are not read', async () => {
    const unreadable = { problem: 'unreadable' };
    await expect(read([root], join(root, 'inner', 'file'), 6)).rejects.toMatchObject(unreadable);
    await expect(read([root], join(root, 'inner'))).rejects.toMatchObject(unreadable);
    await expect(read(undefined, '/dev/zero')).rejects.toMatchObject(unreadable);
  });
});
