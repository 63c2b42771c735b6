import Type from 'typebox';
import type { Issue } from '../errors.js';
import type { Options } from '../option-value.js';
import { optionPointer } from '../validate-options.js';
import { text } from './option-schema.js';
import { roleOf } from './role.js';
import { subjectProblem } from './subjects.js';

/** A name of a KV bucket or an object store (NATS ADR-8, ADR-20). */
const bucketName = (description: string) => Type.String({ pattern: '^[A-Za-z0-9_-]{1,255}$', description });

/** Watching a KV bucket. */
export const kvOptions = {
  kv_bucket: bucketName('KV bucket to watch.'),
  kv_keys: text({ default: '>', description: 'Keys to watch, `*` and `>` allowed.' }),
  kv_watch: Type.Literal(true, {
    default: true,
    description: 'Changes are followed; a bucket is read in no other way.',
  }),
} as const;

/** Watching an object store. */
export const objectOptions = {
  object_bucket: bucketName('Object store to watch.'),
  object_watch: Type.Literal(true, {
    default: true,
    description: 'Changes are followed; an object store is read in no other way.',
  }),
} as const;

/** What is watched where the messages of a stream are not read as they are. */
export type StoreKind = 'kv' | 'object';

export function storeOf(options: Options): StoreKind | undefined {
  const role = roleOf(options);
  return role === 'source-kv' ? 'kv' : role === 'source-object' ? 'object' : undefined;
}

/** What is wrong with the options of a store, each of which has its right type. */
export function storeIssues(options: Options): Issue[] {
  const issues: Issue[] = [];
  const refuse = (name: string, message: string) =>
    issues.push({ code: 'invalid_option', message: `"${name}": ${message}`, pointer: optionPointer(name) });
  if (typeof options.kv_keys === 'string') {
    const problem = subjectProblem(options.kv_keys, { wildcards: true });
    if (problem !== undefined) refuse('kv_keys', problem.replace('a subject', 'a pattern of keys'));
  }
  if (storeOf(options) === 'object' && options.format === 'protobuf')
    refuse('format', "an object's content is not read, and what describes it is JSON; write format = 'raw'");
  return issues;
}
