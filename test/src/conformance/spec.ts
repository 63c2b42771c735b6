import { it } from 'vitest';
import { statementOf } from './statements.js';

/** A statement as it is written, but for what differs from machine to machine: `replace` maps servers and paths to those of a test. */
export function specSql(id: string, replace: { readonly [written: string]: string } = {}): string {
  let { sql } = statementOf(id);
  for (const [written, here] of Object.entries(replace)) {
    if (!sql.includes(written)) throw new Error(`the statement "${id}" of the specification holds no ${written}`);
    sql = sql.replaceAll(written, here);
  }
  return sql;
}

/** The test of one statement of the specification, named after its section; it counts in the table that ends the run. */
export function specIt(id: string, what: string, test: () => Promise<void>, timeoutMs?: number): void {
  const { section } = statementOf(id);
  it(
    `${section} › ${id}: ${what}`,
    { meta: { specStatement: id }, ...(timeoutMs ? { timeout: timeoutMs } : {}) },
    test,
  );
}

declare module 'vitest' {
  interface TaskMeta {
    /** The statement of the specification that the test is about. */
    specStatement?: string;
  }
}
