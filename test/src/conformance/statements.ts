import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../servers/root.js';

/** One SQL statement of the connector's specification. */
export interface SpecStatement {
  /** What it defines, such as `nats_source`; a query goes by its section, and a number where the section has several. */
  readonly id: string;
  /** The headings that it stands under, such as `Queue Groups › Load Balancing`. */
  readonly section: string;
  /** As it is written there. */
  readonly sql: string;
}

/** Every statement of `test/spec/nats-source-connector.md`, in its order. */
export const specStatements: readonly SpecStatement[] = parseSpec(
  readFileSync(join(root, 'test', 'spec', 'nats-source-connector.md'), 'utf8'),
);

/** Throws where the specification has no such statement. */
export function statementOf(id: string): SpecStatement {
  const found = specStatements.find((statement) => statement.id === id);
  if (!found) throw new Error(`the specification has no statement "${id}"`);
  return found;
}

function parseSpec(text: string): SpecStatement[] {
  const statements: SpecStatement[] = [];
  const headings: string[] = [];
  for (const [, level, heading, block] of text.matchAll(/^(#{2,3}) (.+)$|^```sql\n([\s\S]*?)^```$/gm)) {
    if (level !== undefined && heading !== undefined) headings.splice(level.length - 2, 2, heading);
    else if (block !== undefined) statements.push(...parseBlock(block, headings.join(' › ')));
  }
  return statements;
}

/** No text or comment of the specification holds a semicolon, so that each one ends a statement. */
function parseBlock(block: string, section: string): SpecStatement[] {
  const parts = [...block.matchAll(/[^;]*;/g)].map(([sql]) => sql.trim());
  const bare = parts.map((sql) => sql.replace(/^\s*--.*$/gm, '').trim());
  const queries = bare.filter((sql) => sql.startsWith('SELECT')).length;
  let number = 0;
  return parts.map((sql, i) => {
    const [, defined] = /^CREATE (?:CONNECTION|TABLE|PIPELINE) (\w+)/.exec(bare[i] ?? '') ?? [];
    const heading = section.split(' › ').at(-1) ?? section;
    return { id: defined ?? (queries > 1 ? `${heading} ${++number}` : heading), section, sql };
  });
}
