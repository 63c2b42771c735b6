import { permissionRefusal, type SubjectUse } from './permissions.js';
import { isSink, type ResolvedConnection } from './resolve.js';

/** What a connection cannot do without: the subjects of the messages that it reads, or the one that it writes to. */
function essentialUses(connection: ResolvedConnection): SubjectUse[] {
  if (isSink(connection)) return [{ operation: 'publish', subject: connection.subject }];
  return readSubjects(connection).map((subject) => ({ operation: 'subscribe', subject }));
}

/** Why a connection can never work as it is defined: its own permissions keep it from what it is for. Undefined where they do not. */
export function selfRefusal(connection: ResolvedConnection): string | undefined {
  return firstRefusal(connection, essentialUses(connection));
}

/** The same, also of what it can do without: publishing its dead letters. */
export function anySelfRefusal(connection: ResolvedConnection): string | undefined {
  const uses = essentialUses(connection);
  if ('deadLetterSubject' in connection && connection.deadLetterSubject !== undefined)
    uses.push({ operation: 'publish', subject: connection.deadLetterSubject });
  return firstRefusal(connection, uses);
}

function firstRefusal({ permissions }: ResolvedConnection, uses: readonly SubjectUse[]): string | undefined {
  for (const use of uses) {
    const refusal = permissionRefusal(permissions, use);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

type Source = Exclude<ResolvedConnection, { readonly role: 'sink-core' | 'sink-jetstream' }>;

/** Patterns. Those of buckets are where their entries travel: NATS ADR-8 for keys, ADR-20 for the metadata of objects. */
function readSubjects(source: Source): readonly string[] {
  switch (source.role) {
    case 'source-core':
      return [source.subject];
    case 'source-kv':
      return [`$KV.${source.bucket}.${source.keys}`];
    case 'source-object':
      return [`$O.${source.bucket}.M.>`];
    default:
      return source.filterSubjects.length > 0 ? source.filterSubjects : (source.stream?.subjects ?? ['>']);
  }
}
