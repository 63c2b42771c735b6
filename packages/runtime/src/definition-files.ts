import { constants } from 'node:fs';
import { type FileHandle, open, realpath } from 'node:fs/promises';
import { resolve, sep } from 'node:path';

/** Why a file that a definition names was not read. */
export type FileProblem =
  /** It is not there, or not yet. */
  | 'missing'
  /** Definitions may not name it (LAMINAR_FILES_DIRS). */
  | 'refused'
  /** It is there, and cannot be read: permissions, a folder, its size. */
  | 'unreadable';

export class FileUnavailable extends Error {
  override readonly name = 'FileUnavailable';
  constructor(
    readonly problem: FileProblem,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}

/**
 * Reads files that definitions name: whoever may write a definition chooses the path, so that only what lies under the given roots is read,
 * symbolic links resolved. Undefined roots allow any file; no root allows none.
 */
export class DefinitionFiles {
  constructor(readonly roots: readonly string[] | undefined) {}

  /** The bytes of a file, at most `bytesMax`. Throws `FileUnavailable`. */
  async read(path: string, bytesMax: number): Promise<Uint8Array> {
    // What lies outside is refused before it is looked for, so that nobody learns what is there.
    if (!(await this.#allows(resolve(path)))) throw refused(path);
    const real = await realpath(path).catch((error: unknown) => {
      throw unavailable(path, error);
    });
    if (!(await this.#allows(real))) throw refused(path);
    return readWhole(path, real, bytesMax);
  }

  async #allows(path: string): Promise<boolean> {
    if (this.roots === undefined) return true;
    for (const root of this.roots) {
      if (isUnder(path, resolve(root))) return true;
      const real = await realpath(root).catch(() => undefined);
      if (real !== undefined && isUnder(path, real)) return true;
    }
    return false;
  }
}

const isUnder = (path: string, root: string): boolean =>
  path === root || path.startsWith(root.endsWith(sep) ? root : root + sep);

async function readWhole(path: string, real: string, bytesMax: number): Promise<Uint8Array> {
  // A link that took the file's place meanwhile is not followed, and a pipe does not block.
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const file = await open(real, flags).catch((error: unknown) => {
    throw unavailable(path, error);
  });
  try {
    const { size } = await file.stat().then((stat) => {
      if (!stat.isFile()) throw new FileUnavailable('unreadable', `${path} is no file`);
      return stat;
    });
    if (size > bytesMax)
      throw new FileUnavailable('unreadable', `the file ${path} has ${size} bytes; at most ${bytesMax} are read`);
    return await readExactly(file, size);
  } finally {
    await file.close();
  }
}

/** What a file grows by meanwhile is left out, so that the limit holds. */
async function readExactly(file: FileHandle, size: number): Promise<Uint8Array> {
  const content = Buffer.alloc(size);
  let length = 0;
  while (length < size) {
    const { bytesRead } = await file.read(content, length, size - length, length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return content.subarray(0, length);
}

function refused(path: string): FileUnavailable {
  return new FileUnavailable(
    'refused',
    `definitions may not name the file ${path}: it is not under LAMINAR_FILES_DIRS`,
  );
}

function unavailable(path: string, error: unknown): FileUnavailable {
  const code = error instanceof Error && 'code' in error ? String(error.code) : undefined;
  if (code === 'ENOENT' || code === 'ENOTDIR')
    return new FileUnavailable('missing', `there is no file ${path}`, { cause: error });
  return new FileUnavailable('unreadable', `the file ${path} cannot be read (${code ?? String(error)})`, {
    cause: error,
  });
}
