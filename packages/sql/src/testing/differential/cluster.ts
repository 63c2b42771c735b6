import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { PGlite } from '@electric-sql/pglite';

/** Where the cluster is kept: to make one takes seven times as long as to start it. */
const folder = resolve(import.meta.dirname, '../../../../../node_modules/.cache/laminar');

/** A PostgreSQL of its own, in this process, with the collation that the dialect has. */
export async function startCluster(): Promise<PGlite> {
  const file = join(folder, `pglite-${await version()}.tar`);
  const kept = await readFile(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (kept) return PGlite.create({ loadDataDir: new Blob([kept]) });
  const made = await PGlite.create({ initDbStartParams: ['--locale-provider=builtin', '--builtin-locale=C.UTF-8'] });
  const dump = await made.dumpDataDir('none');
  await mkdir(folder, { recursive: true });
  // Others may do the same at this moment: whoever comes last has made the same.
  const own = `${file}.${randomUUID()}`;
  await writeFile(own, new Uint8Array(await dump.arrayBuffer()));
  await rename(own, file);
  return made;
}

async function version(): Promise<string> {
  const entry = createRequire(import.meta.url).resolve('@electric-sql/pglite');
  return JSON.parse(await readFile(join(dirname(entry), '../package.json'), 'utf8')).version;
}
