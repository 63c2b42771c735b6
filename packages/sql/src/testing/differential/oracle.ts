import type { PGlite } from '@electric-sql/pglite';
import { startCluster } from './cluster.js';
import { columns, postgresType, type Row, sqlOf } from './rows.js';

/** What PostgreSQL gives for an expression over a row: its type and its text, or an error. */
export type Answer =
  | { readonly type: string; readonly text: string | null; readonly json: string | null }
  | { readonly error: string; readonly code: string };

/** A question: an expression, and the number of the row that it is computed over. */
export interface Question {
  readonly sql: string;
  readonly row: number;
}

/** PostgreSQL itself, in this process, with the collation that the dialect has. */
export class Oracle {
  private constructor(readonly database: PGlite) {}

  static async open(rows: readonly Row[]): Promise<Oracle> {
    const database = await startCluster();
    const definitions = Object.entries(columns).map(([name, type]) => `${name} ${postgresType(type)}`);
    await database.exec(`
      SET timezone = 'UTC';
      CREATE TABLE rows (number INTEGER PRIMARY KEY, ${definitions.join(', ')});
      INSERT INTO rows VALUES ${rows.map(sqlOf).join(', ')};
      CREATE FUNCTION answer(expression TEXT, number INTEGER) RETURNS JSONB LANGUAGE plpgsql AS $$
      DECLARE result JSONB;
      BEGIN
        EXECUTE format(
          'SELECT jsonb_build_object(''type'', pg_typeof(x)::text, ''text'', x::text, ''json'', to_json(x)::text) FROM (SELECT (%s) AS x FROM rows WHERE number = $1) r',
          expression) INTO result USING number;
        RETURN result;
      EXCEPTION WHEN OTHERS THEN
        RETURN jsonb_build_object('error', SQLERRM, 'code', SQLSTATE);
      END $$;
      CREATE FUNCTION rows_of(query TEXT) RETURNS JSONB LANGUAGE plpgsql AS $$
      DECLARE result JSONB;
      BEGIN
        EXECUTE format('SELECT coalesce(jsonb_agg(x), ''[]'') FROM (%s) AS q', query) INTO result;
        RETURN result;
      EXCEPTION WHEN OTHERS THEN
        RETURN jsonb_build_object('error', SQLERRM);
      END $$;
      SET join_collapse_limit = 1;
      SET from_collapse_limit = 1;`);
    return new Oracle(database);
  }

  /** The answers, in the order of the questions. */
  async ask(questions: readonly Question[]): Promise<readonly Answer[]> {
    const { rows } = await this.database.query<{ answer: Answer }>(
      `SELECT answer(q->>'sql', (q->>'row')::int) AS answer FROM jsonb_array_elements($1::jsonb) WITH ORDINALITY AS a(q, i) ORDER BY i`,
      [JSON.stringify(questions)],
    );
    return rows.map(({ answer }) => answer);
  }

  /** What a query gives that has one column `x` of JSON: its values in order, or an error. */
  async rows(query: string): Promise<unknown> {
    const { rows } = await this.database.query<{ answer: unknown }>('SELECT rows_of($1) AS answer', [query]);
    return rows[0]?.answer;
  }

  /** The signs of all of its operators. */
  async operators(): Promise<readonly string[]> {
    const { rows } = await this.database.query<{ oprname: string }>(
      'SELECT DISTINCT oprname FROM pg_operator ORDER BY 1',
    );
    return rows.map(({ oprname }) => oprname);
  }

  close(): Promise<void> {
    return this.database.close();
  }
}
