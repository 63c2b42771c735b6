import { Refusal } from '../refusal.js';

/** What a request says of the revision that it wants, or does not want, to meet. `any` stands for `*`. */
export interface Preconditions {
  readonly ifMatch: 'any' | ReadonlySet<number> | undefined;
  readonly ifNoneMatch: 'any' | ReadonlySet<number> | undefined;
}

export const noPreconditions: Preconditions = { ifMatch: undefined, ifNoneMatch: undefined };

/** The entity tag of a definition: its revision. */
export const etagOf = (revision: number): string => `"${revision}"`;

/** Reads `If-Match` and `If-None-Match` (RFC 9110, section 13.1). Throws a `Refusal` where one is malformed. */
export function readPreconditions(headers: {
  readonly 'if-match'?: string | undefined;
  readonly 'if-none-match'?: string | undefined;
}): Preconditions {
  return {
    ifMatch: readTags('If-Match', headers['if-match'], 'strong'),
    ifNoneMatch: readTags('If-None-Match', headers['if-none-match'], 'weak'),
  };
}

/** A comma may stand within a tag, so that a list cannot be split at commas. */
const entityTag = String.raw`(W/)?"([\x21\x23-\x7e\x80-\xff]*)"`;
const entityTags = new RegExp(String.raw`^[ \t]*${entityTag}(?:[ \t]*,[ \t]*${entityTag})*[ \t]*$`);
const eachEntityTag = new RegExp(entityTag, 'g');

/** A tag that is none of ours is well formed all the same: it stands for a revision that nothing is at. */
function readTags(name: string, value: string | undefined, comparison: 'strong' | 'weak'): Preconditions['ifMatch'] {
  if (value === undefined) return undefined;
  if (value.trim() === '*') return 'any';
  if (!entityTags.test(value)) {
    throw new Refusal(
      'invalid_header',
      `${name} must be * or revisions in double quotes, such as "12"; it is ${value}`,
    );
  }
  const revisions = new Set<number>();
  for (const [, weak, tag = ''] of value.matchAll(eachEntityTag)) {
    const isComparable = comparison === 'weak' || weak === undefined;
    if (isComparable && /^[1-9]\d{0,15}$/.test(tag)) revisions.add(Number(tag));
  }
  return revisions;
}

/** Says whether a definition at `revision` (undefined where there is none) is among `tags`. */
export const matches = (tags: 'any' | ReadonlySet<number>, revision: number | undefined): boolean =>
  revision !== undefined && (tags === 'any' || tags.has(revision));
