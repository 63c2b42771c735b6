import { namePattern } from '../names.js';
import type { OptionValue } from '../option-value.js';

const reference = /^\$\{secret:([^{}]*)\}$/;

/** How a secret is referred to in a definition. */
export const referenceTo = (name: string): string => `\${secret:${name}}`;

/** What a text that may refer to a secret says: the name of one, or itself. */
export type SecretOrText = { readonly secret: string } | { readonly text: string };

/** The name that `${secret:name}` refers to; undefined for anything else. The whole value is the reference, never a part of it. */
export function secretReference(value: OptionValue | undefined): string | undefined {
  const name = typeof value === 'string' ? reference.exec(value)?.[1] : undefined;
  return name !== undefined && namePattern.test(name) ? name : undefined;
}

export function secretOrText(value: string): SecretOrText {
  const secret = secretReference(value);
  return secret === undefined ? { text: value } : { secret };
}

/** Says whether a value looks as if it were to refer to a secret, anywhere in it. */
export function mentionsSecret(value: OptionValue): boolean {
  if (typeof value === 'string') return value.includes('${secret:');
  if (typeof value !== 'object') return false;
  return Object.values(value).some(mentionsSecret);
}
