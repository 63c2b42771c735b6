import type { Options } from '../option-value.js';

/** The ways in which a connection can be used; which options mean something depends on it. */
export const roles = [
  'source-core',
  'source-pull',
  'source-push',
  'source-ordered',
  'source-kv',
  'source-object',
  'sink-core',
  'sink-jetstream',
] as const;
export type Role = (typeof roles)[number];

/** Each in words, as it follows "has no effect on". */
export const roleNames: { readonly [role in Role]: string } = {
  'source-core': 'a source without JetStream',
  'source-pull': 'a source with a pull consumer',
  'source-push': 'a source with a push consumer',
  'source-ordered': 'a source with an ordered consumer',
  'source-kv': 'a source that watches a KV bucket',
  'source-object': 'a source that watches an object store',
  'sink-core': 'a sink without JetStream',
  'sink-jetstream': 'a sink with JetStream',
};

/** How these options use the connection; also of options that do not fit together, so that errors can say why. */
export function roleOf(options: Options): Role {
  if (options.type === 'sink') return options.jetstream === true ? 'sink-jetstream' : 'sink-core';
  if (options.jetstream !== true) return 'source-core';
  if (options.kv_bucket !== undefined) return 'source-kv';
  if (options.object_bucket !== undefined) return 'source-object';
  if (options.consumer_ordered === true) return 'source-ordered';
  return options.consumer_pull === false ? 'source-push' : 'source-pull';
}
