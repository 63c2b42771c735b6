import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The value of a secret, or why there is none at the moment. */
export type SecretFinding = { readonly value: string } | { readonly problem: string };

/** Where secrets are kept beside the stored ones. */
export interface SecretPlaces {
  readonly env: NodeJS.ProcessEnv;
  /** LAMINAR_SECRETS_DIR: a file for each secret, of its name. */
  readonly directory: string | undefined;
}

/** Looks among the stored ones, then in the environment, then in the folder; the first that has the secret counts. */
export function findSecret(
  name: string,
  stored: (name: string) => SecretFinding | undefined,
  places: SecretPlaces,
): SecretFinding {
  const found = stored(name) ?? findOutside(name, places);
  if (found) return found;
  const folder =
    places.directory === undefined ? 'LAMINAR_SECRETS_DIR is not set' : 'LAMINAR_SECRETS_DIR has no such file';
  return { problem: `the secret "${name}" is not stored, ${environmentName(name)} is not set, and ${folder}` };
}

/** A secret of the environment or the folder, read at this moment; undefined where neither has it. */
export function findOutside(name: string, { env, directory }: SecretPlaces): SecretFinding | undefined {
  const value = env[environmentName(name)];
  if (value !== undefined && value !== '') return { value };
  return directory === undefined ? undefined : readFrom(directory, name);
}

/** Variables have no `-`, and by custom capital letters. */
export const environmentName = (name: string): string => `LAMINAR_SECRET_${name.toUpperCase().replaceAll('-', '_')}`;

function readFrom(directory: string, name: string): SecretFinding | undefined {
  try {
    // Whoever writes a file with an editor ends it with a newline that is no part of the secret.
    const value = readFileSync(join(directory, name), 'utf8').replace(/\r?\n$/, '');
    return value === '' ? { problem: `the secret "${name}" is an empty file of LAMINAR_SECRETS_DIR` } : { value };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    return { problem: `the secret "${name}" cannot be read from LAMINAR_SECRETS_DIR: ${code ?? String(error)}` };
  }
}
