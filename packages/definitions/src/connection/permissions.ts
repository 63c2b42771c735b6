import Type from 'typebox';
import type { Issue } from '../errors.js';
import type { Options } from '../option-value.js';
import { optionPointer } from '../validate-options.js';
import { text } from './option-schema.js';
import { subjectProblem } from './subjects.js';

const patterns = Type.Optional(Type.Array(text({}), { maxItems: 100 }));

/** What this side allows itself: a client cannot grant itself anything, but it can keep from what it should not do. */
export const permissionOptions = {
  permissions: Type.Object(
    { publish: patterns, subscribe: patterns },
    {
      additionalProperties: false,
      description:
        "Subjects that may be published and subscribed to, as MAP { 'publish': [...], 'subscribe': [...] }; checked here before the server is asked. A list that is left out allows all, an empty one nothing.",
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
