import { DefinitionRejected, type Issue, type RejectionCode } from '@laminar/definitions';
import { BusUnavailable, EventTooLarge } from '@laminar/event-store';
import { SqlError, type SqlErrorCode } from '@laminar/sql';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { QueryRejected } from './definitions/query-check.js';
import { type ProblemCode, problemCodes } from './http/problem-codes.js';
import { toProblem } from './problem.js';
import { Refusal } from './refusal.js';
import { StatementFailed } from './script/statement-failed.js';

/** The compiler holds the lists: a code that is new elsewhere does not compile here until it is in the table. */
const sqlCodes: { readonly [code in SqlErrorCode]: ProblemCode } = {
  syntax_error: 'syntax_error',
  unsupported: 'unsupported',
  unknown_option: 'unknown_option',
  unknown_column: 'unknown_column',
  unknown_type: 'unknown_type',
  invalid_name: 'invalid_name',
  type_mismatch: 'type_mismatch',
  always_fails: 'always_fails',
  duplicate_column: 'duplicate_column',
  unnamed_column: 'unnamed_column',
  unknown_table: 'unknown_table',
  unknown_function: 'unknown_function',
  too_large: 'too_large',
};
const rejectionCodes: { readonly [code in RejectionCode]: ProblemCode } = {
  invalid: 'invalid_definition',
  already_exists: 'already_exists',
  not_found: 'not_found',
  in_use: 'in_use',
  conflict: 'conflict',
  precondition_failed: 'precondition_failed',
};

it('knows a code for every error that the packages throw', () => {
  for (const [code, known] of Object.entries(sqlCodes))
    expect(toProblem(new QueryRejected(new SqlError(code as SqlErrorCode, 'm', 0), 'q')).body.code).toBe(known);
  for (const [code, known] of Object.entries(rejectionCodes))
    expect(toProblem(new DefinitionRejected(code as RejectionCode, 'm')).body.code).toBe(known);
  expect(toProblem(new BusUnavailable('m')).body.code).toBe('bus_unavailable');
  expect(toProblem(new EventTooLarge(2, 1)).body.code).toBe('definition_too_large');
});

it('gives each code the status of the table', () => {
  for (const [code, { status }] of Object.entries(problemCodes)) {
    const problem = toProblem(new Refusal(code as ProblemCode, 'm', { headers: { a: 'b' }, members: { more: 1 } }));
    expect(problem).toMatchObject({ status, headers: { a: 'b' }, body: { status, code, detail: 'm', more: 1 } });
    expect(problem.body.title).not.toBe('Error');
  }
});

it('tells nothing of what nobody foresaw', () => {
  for (const error of [new Error('secret'), new TypeError('secret'), 'secret', undefined]) {
    const problem = toProblem(error);
    expect(problem).toMatchObject({ status: 500, unexpected: true, body: { code: 'internal_error' } });
    expect(JSON.stringify(problem.body)).not.toContain('secret');
  }
});

it('places a caret under the very character, wherever it stands', () => {
  const line = fc.string({ unit: fc.constantFrom('a', ' ', '"', 'é', '🌍'), maxLength: 200 });
  fc.assert(
    fc.property(fc.array(line, { minLength: 1, maxLength: 4 }), fc.nat(), (lines, at) => {
      const text = lines.join('\n');
      const characters = [...text];
      const offset = at % (characters.length + 1);
      const cause = new QueryRejected(new SqlError('syntax_error', 'm', offset), text);
      const { position, excerpt } = toProblem(cause).body as unknown as {
        position: { line: number; column: number; offset: number };
        excerpt: string;
      };
      expect(position.offset).toBe(offset);
      expect([...(lines[position.line - 1] ?? '')].length).toBeGreaterThanOrEqual(position.column - 1);
      const [shown, caret] = excerpt.split('\n');
      const pointed = [...(shown ?? '')][(caret ?? '').indexOf('^')];
      expect(pointed).toBe(characters[offset] === '\n' ? undefined : characters[offset]);
    }),
  );
});

it('speaks of a script in places of the script', () => {
  const script = 'A;\nB (c = 1)';
  const issue: Issue = { code: 'unknown_option', message: 'there is no c', pointer: '/options/c' };
  const cause = new DefinitionRejected('invalid', 'there is no c', [issue]);
  const { body } = toProblem(
    new StatementFailed(cause, script, {
      index: 1,
      offset: 6,
      issuePlaces: [{ issue, offset: 6 }],
      results: [{ done: true }],
    }),
  );
  expect(body).toMatchObject({
    status: 422,
    statement_index: 1,
    results: [{ done: true }],
    excerpt: 'B (c = 1)\n   ^',
    position: { line: 2, column: 4, offset: 6 },
    errors: [{ code: 'unknown_option', position: { line: 2, column: 4 } }],
  });
  const away = toProblem(
    new StatementFailed(new BusUnavailable('away'), script, { index: 1, offset: 3, issuePlaces: [], results: [] }),
  );
  expect(away.body).toMatchObject({ status: 503, statement_index: 1 });
  expect(away.body.position).toBeUndefined();
});
