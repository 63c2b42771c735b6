import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { issueCodes } from '@laminar/definitions';
import { rowErrorCodes, sqlErrorCodes, warningCodes } from '@laminar/sql';
import { describe, expect, it } from 'vitest';
import { errorsReference } from './errors-reference.js';
import { problemCodes } from './problem-codes.js';

const root = resolve(import.meta.dirname, '../../../..');
const tables = /\/(?:error-codes|warning-codes|issue-codes|problem-codes)\.ts$/;

/** All code that may give an error, without tests and the tables of codes themselves. */
const source = ['packages/definitions/src', 'packages/sql/src', 'services/control-plane/src', 'services/ingestion/src']
  .flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .map((file) => join(root, folder, file))
      .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && !tables.test(file)),
  )
  .map((file) => readFileSync(file, 'utf8'))
  .join('\n');

/** Codes that are put together, or handed on from elsewhere. */
const composed: ReadonlySet<string> = new Set(['missing_file', 'unreadable_file']);

describe('the reference of errors', () => {
  it('is docs/reference/errors.md (npm run docs writes it anew)', async () => {
    await expect(errorsReference()).toMatchFileSnapshot(join(root, 'docs/reference/errors.md'));
  });

  // That no code is missing is held by the compiler: errors take only codes of the tables.
  it.each(Object.entries({ problemCodes, sqlErrorCodes, rowErrorCodes, issueCodes, warningCodes }))(
    'has no code that nothing gives: %s',
    (_, codes) => {
      const unused = Object.keys(codes).filter(
        (code) => !composed.has(code) && !new RegExp(`\\b${code}\\b`).test(source),
      );
      expect(unused).toEqual([]);
    },
  );
});
