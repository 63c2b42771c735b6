import { type Catalog, DefinitionRejected, namePattern } from '@laminar/definitions';
import type { Kind } from '@laminar/protocol';
import Type from 'typebox';
import { nothingNamed } from '../definitions/intent.js';

export const apiPrefix = '/api/v1';

export const collectionPath = (kind: Kind): string => `${apiPrefix}/${kind}s`;
export const pathOf = (kind: Kind, name: string): string => `${collectionPath(kind)}/${name}`;

export const nameParameter = Type.Object({
  name: Type.String({ description: 'Name of the definition.', pattern: namePattern.source }),
});

/** Refuses a name that no definition can be given. */
export function checkName(name: string): void {
  if (namePattern.test(name)) return;
  const message = `${JSON.stringify(name)} is not a name: it begins with a letter or _, goes on with letters, digits, _ and -, and has at most 63 characters`;
  throw new DefinitionRejected('invalid', message, [{ code: 'invalid_name', message, pointer: '/name' }]);
}

/** A path with a name that no definition can have leads nowhere. */
export function checkPathName(kind: Kind, name: string, catalog: Catalog): void {
  if (!namePattern.test(name)) throw nothingNamed(kind, name, catalog);
}
