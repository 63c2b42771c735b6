import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadConfig } from '@laminar/runtime';
import { type TemporaryDirectory, temporaryDirectory } from '@laminar/test';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { withSecretsKey } from './secrets-key.js';

describe('the key of secrets', () => {
  let directory: TemporaryDirectory;
  beforeEach(async () => {
    directory = await temporaryDirectory('secrets-key');
  });
  afterEach(() => directory.remove());

  const keyOf = (env: NodeJS.ProcessEnv) => {
    const whole = { LAMINAR_DATA_DIR: join(directory.path, 'data'), ...env };
    return withSecretsKey(whole, loadConfig(whole, 'up')).LAMINAR_SECRETS_KEY;
  };

  it('is made once, and kept for its owner alone', () => {
    const made = keyOf({});
    expect(Buffer.from(made ?? '', 'base64')).toHaveLength(32);
    const path = join(directory.path, 'data', 'secrets.key');
    expect(readFileSync(path, 'utf8')).toBe(`${made}\n`);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(keyOf({})).toBe(made);
  });

  it('is the one that is set', () => {
    const set = 'ab'.repeat(32);
    expect(keyOf({ LAMINAR_SECRETS_KEY: set })).toBe(set);
  });

  it('is not made for a bus of others', () => {
    expect(keyOf({ NATS_URL: 'nats://127.0.0.1:4222' })).toBeUndefined();
  });

  it('is never replaced where its file is damaged, which is said without what is in it', () => {
    keyOf({});
    writeFileSync(join(directory.path, 'data', 'secrets.key'), 'c2hvcnQ=\n');
    expect(() => keyOf({})).toThrow(/LAMINAR_SECRETS_KEY: .*secrets\.key holds no key/);
    expect(() => keyOf({})).not.toThrow(/c2hvcnQ/);
  });
});
