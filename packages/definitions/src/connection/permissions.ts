import Type from 'typebox';
import type { Issue } from '../errors.js';
import type { Options } from '../option-value.js';
import { optionPointer } from '../validate-options.js';
import { text } from './option-schema.js';
import { covers, subjectProblem } from './subjects.js';

const patterns = Type.Optional(Type.Array(text({}), { maxItems: 100 }));

/** What this side allows itself: a client cannot grant itself anything, but it can keep from what it should not do. */
export const permissionOptions = {
  permissions: Type.Object(
    { publish: patterns, subscribe: patterns },
    {
      additionalProperties: false,
      description:
        "Subjects that may be published and subscribed to, as MAP { 'publish': [...], 'subscribe': [...] }; checked here before the server is asked. They are about the subjects of messages ($KV.<bucket>.<keys> for a bucket), not about those of JetStream's API. A list that is left out allows all, an empty one nothing.",
    },
  ),
} as const;

/** Undefined lists allow everything. */
export interface Permissions {
  readonly publish: readonly string[] | undefined;
  readonly subscribe: readonly string[] | undefined;
}

/** The option must have its right type. */
export function permissionIssues(options: Options): Issue[] {
  return Object.entries((options.permissions ?? {}) as { readonly [side: string]: readonly string[] }).flatMap(
    ([side, subjects]) =>
      subjects.flatMap((subject, index) => {
        const problem = subjectProblem(subject, { wildcards: true });
        if (problem === undefined) return [];
        const pointer = `${optionPointer('permissions')}/${side}/${index}`;
        return [{ code: 'invalid_option', message: `"permissions": ${problem}`, pointer }];
      }),
  );
}

/** The options must have no `permissionIssues`. */
export function resolvePermissions(options: Options): Permissions | undefined {
  const given = options.permissions as Partial<Permissions> | undefined;
  return given && { publish: given.publish, subscribe: given.subscribe };
}

/** What a connection wants to do with a subject; a pattern where it subscribes. */
export interface SubjectUse {
  readonly operation: keyof Permissions;
  readonly subject: string;
}

/** Why permissions keep a connection from this use, as the rest of a sentence about it; undefined where they allow it: one pattern has to cover all of the subject. */
export function permissionRefusal(
  permissions: Permissions | undefined,
  { operation, subject }: SubjectUse,
): string | undefined {
  const allowed = permissions?.[operation];
  if (allowed === undefined || allowed.some((pattern) => covers(pattern, subject))) return undefined;
  const what = operation === 'publish' ? `publishing to "${subject}"` : `subscribing to "${subject}"`;
  const instead = allowed.length === 0 ? 'they allow none' : `they allow ${allowed.join(', ')}`;
  return `its own permissions do not allow ${what}: ${instead}`;
}
