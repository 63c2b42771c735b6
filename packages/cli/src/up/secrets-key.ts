import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Config, ConfigError } from '@laminar/runtime';

const keyBytes = 32;

/**
 * The environment with a key for secrets: the one that is set, else, beside an embedded bus, one that is made once and kept in the data folder,
 * readable by its owner alone. A bus of others gets no key from here, since other machines would need the same.
 */
export function withSecretsKey(env: NodeJS.ProcessEnv, config: Config): NodeJS.ProcessEnv {
  if (config.secretsKey || config.externalBus) return env;
  return { ...env, LAMINAR_SECRETS_KEY: keptKey(config.dataDir) };
}

function keptKey(dataDir: string): string {
  const path = join(dataDir, 'secrets.key');
  try {
    mkdirSync(dataDir, { recursive: true });
    const made = randomBytes(keyBytes).toString('base64');
    writeFileSync(path, `${made}\n`, { mode: 0o600, flag: 'wx' });
    return made;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const kept = readFileSync(path, 'utf8').trim();
  if (Buffer.from(kept, 'base64').length !== keyBytes)
    throw new ConfigError(
      `LAMINAR_SECRETS_KEY: it is not set, and ${path} holds no key; set it, or remove the file and store the secrets again`,
    );
  return kept;
}
