/** Kinds of definitions, which users write and read. */
export const definedKinds = ['connection', 'table', 'pipeline', 'function'] as const;
export type DefinedKind = (typeof definedKinds)[number];

/** Kinds of what the event log tells about; of secrets it tells that they are there, and nothing else. */
export const kinds = [...definedKinds, 'secret'] as const;
export type Kind = (typeof kinds)[number];

export interface DefinitionKey {
  kind: Kind;
  name: string;
  version: number;
}

const keyPattern = /^(connection|table|pipeline|function|secret)\.([A-Za-z_][A-Za-z0-9_-]{0,62})\.(\d{10})$/;

/** `<kind>.<name>.<version, 10 digits>`: the key of one event in the bucket of definitions. */
export function formatDefinitionKey({ kind, name, version }: DefinitionKey): string {
  return `${kind}.${name}.${String(version).padStart(10, '0')}`;
}

/** The parts of a key, or undefined where it is no key of a definition event. */
export function parseDefinitionKey(key: string): DefinitionKey | undefined {
  const match = keyPattern.exec(key);
  if (!match) return undefined;
  return { kind: match[1] as Kind, name: match[2] as string, version: Number(match[3]) };
}
