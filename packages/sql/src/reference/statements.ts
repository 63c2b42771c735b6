import { statementForms } from '../statements/forms.js';
import { page } from './markdown.js';

/** `docs/reference/statements.md`: every form of a statement, from the table that the grammar shares. */
export const statementsPage = (): string =>
  page(
    'Statements',
    'A script is statements with `;` between them, on every door: `POST /api/v1/sql`, `laminar sql`, the console. They are applied one by one; the first that fails stops the rest, and the answer says which were applied. `POST /api/v1/validate` and `dry_run` look at all of them and change nothing. The examples below are one script.',
    "Values of options are `'text'`, numbers, `true`, `false`, lists `['a', 'b']` and maps `MAP { 'key': value }`. Queries are `SELECT ...` and `INSERT INTO sink SELECT ...`, either under `WITH name AS (...)`; [SQL](sql.md) says what they are made of.",
    ...Object.values(statementForms).map(
      ({ words, syntax, summary, example }) =>
        `## ${words.join(' ').toUpperCase()}\n\n\`\`\`sql\n${syntax}\n\`\`\`\n\n${summary}\n\n\`\`\`sql\n${example};\n\`\`\``,
    ),
  );
