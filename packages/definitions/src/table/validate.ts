import type { TableDefinition } from '../definition.js';
import type { Issue } from '../errors.js';
import { namePattern, nearestName } from '../names.js';
import { optionIssues } from '../validate-options.js';
import { declaredTypeName, isTypeProblem, parseDeclaredType } from './declared-type.js';
import { metadataColumns, metadataPrefix } from './metadata-columns.js';
import { tableOptions } from './options.js';

const columnsMax = 1000;
/** PostgreSQL cuts longer identifiers; a silent cut would read another field. */
const columnNameBytesMax = 63;

/** Everything that is wrong with a table; empty where it can be accepted. */
export function tableIssues(table: TableDefinition): Issue[] {
  const issues: Issue[] = optionIssues(table.options, tableOptions);
  if (!namePattern.test(table.connector)) {
    issues.push({
      code: 'invalid_name',
      message: `"connector" must be the name of a connection`,
      pointer: '/connector',
    });
  }
  if (table.columns.length === 0)
    issues.push({ code: 'no_columns', message: 'a table needs at least one column', pointer: '/columns' });
  if (table.columns.length > columnsMax) {
    issues.push({
      code: 'too_many_columns',
      message: `a table has at most ${columnsMax} columns`,
      pointer: '/columns',
    });
  }
  const seen = new Set<string>();
  for (const [index, { name, type }] of table.columns.entries()) {
    const pointer = `/columns/${index}`;
    const folded = name.toLowerCase();
    if (name === '' || new TextEncoder().encode(name).length > columnNameBytesMax || name.includes('\0')) {
      issues.push({
        code: 'invalid_name',
        message: `a column's name has 1 to ${columnNameBytesMax} bytes`,
        pointer: `${pointer}/name`,
      });
    }
    if (seen.has(folded))
      issues.push({
        code: 'duplicate_column',
        message: `there are two columns "${name}"; names match in any case, so leave one of them out`,
        pointer: `${pointer}/name`,
      });
    seen.add(folded);
    const parsed = parseDeclaredType(type);
    const canonical = isTypeProblem(parsed) ? undefined : declaredTypeName(parsed);
    if (isTypeProblem(parsed))
      issues.push({
        code: 'unknown_type',
        message: `${parsed.problem}; ${parsed.hint}`,
        pointer: `${pointer}/type`,
      });
    const metadata = Object.hasOwn(metadataColumns, folded) ? metadataColumns[folded] : undefined;
    if (metadata !== undefined && table.options.include_metadata !== true) {
      issues.push({
        code: 'needs_metadata',
        message: `the column "${name}" needs the option include_metadata = true`,
        pointer: `${pointer}/name`,
      });
    } else if (metadata !== undefined && canonical !== undefined && canonical !== metadata) {
      issues.push({
        code: 'invalid_type',
        message: `the column "${name}" is of type ${metadata}`,
        pointer: `${pointer}/type`,
      });
    } else if (metadata === undefined && folded.startsWith(metadataPrefix)) {
      const nearest = nearestName(folded, Object.keys(metadataColumns));
      const hint =
        nearest === undefined ? `there are ${Object.keys(metadataColumns).join(', ')}` : `did you mean "${nearest}"?`;
      issues.push({
        code: 'unknown_column',
        message: `there is no metadata column "${name}"; ${hint}`,
        pointer: `${pointer}/name`,
      });
    }
  }
  return issues;
}

/** The same table with each type by its canonical name; the table must have no `tableIssues`. */
export function normalizeTable(table: TableDefinition): TableDefinition {
  return {
    ...table,
    columns: table.columns.map(({ name, type }) => ({ name, type: canonicalName(type) })),
  };
}

function canonicalName(type: string): string {
  const parsed = parseDeclaredType(type);
  return isTypeProblem(parsed) ? type : declaredTypeName(parsed);
}
