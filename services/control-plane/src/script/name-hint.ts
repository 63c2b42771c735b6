import { type Catalog, type DefinitionRejected, nearestName } from '@laminar/definitions';
import { type DefinedKind, definedKinds } from '@laminar/protocol';
import type { Statement } from '@laminar/sql';

/** What to write instead, where a statement fails by the name that it is about; undefined where the message itself says it. */
export function nameHint({ code }: DefinitionRejected, statement: Statement, catalog: Catalog): string | undefined {
  if (code === 'already_exists') return takenHint(statement, catalog);
  if (code === 'not_found') return missingHint(statement, catalog);
  return undefined;
}

function takenHint(statement: Statement, catalog: Catalog): string | undefined {
  const kind = createdKind(statement);
  if (!kind || !('name' in statement)) return undefined;
  // A connection cannot replace a table, nor the other way round.
  if (!catalog.get(kind, statement.name)) return 'take another name, or drop the other one first';
  const replaced = `CREATE OR REPLACE ${kind.toUpperCase()} replaces it`;
  return kind === 'function' ? replaced : `${replaced}, CREATE ${kind.toUpperCase()} IF NOT EXISTS leaves it as it is`;
}

function missingHint(statement: Statement, catalog: Catalog): string | undefined {
  if (!('name' in statement)) return undefined;
  const kinds = namedKinds(statement);
  const names = kinds.flatMap((kind) => Array.from(catalog.values(kind), ({ name }) => name));
  // The message names it.
  if (nearestName(statement.name, names) !== undefined) return undefined;
  const shown = kinds.map((kind) => `SHOW ${kind.toUpperCase()}S`).join(', ');
  return statement.type === 'drop'
    ? `${shown} shows what there is; IF EXISTS lets it pass`
    : `${shown} ${kinds.length === 1 ? 'shows' : 'show'} what there is`;
}

const createdKind = ({ type }: Statement): DefinedKind | undefined =>
  definedKinds.find((kind) => type === `create_${kind}`);

/** The kinds of which the name may be. */
function namedKinds(statement: Statement): readonly DefinedKind[] {
  if ('kind' in statement) return [statement.kind];
  if (statement.type === 'describe') return definedKinds;
  return statement.type === 'test_connection' ? ['connection'] : ['pipeline'];
}
