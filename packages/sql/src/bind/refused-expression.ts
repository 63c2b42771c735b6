import type { Node } from '@pgsql/types';
import type { SqlError } from '../errors.js';
import { oneMessage } from './several-messages.js';
import type { SourceText } from './source-text.js';
import { unsupported } from './unsupported.js';

const refusals: { readonly [kind: string]: readonly [what: string, hint: string] } = {
  SubLink: ['a subquery within an expression', 'a pipeline reads one source; write it as a CTE in FROM'],
  RowExpr: ['a row value', 'compare the columns one by one'],
  ParamRef: ['a parameter', 'write the value itself'],
  GroupingFunc: ['GROUPING', oneMessage],
  NamedArgExpr: ['a named argument', 'write the arguments alone, in their order: left(name, 3)'],
  MergeSupportFunc: ['MERGE_ACTION()', 'a pipeline writes rows with INSERT INTO sink SELECT ...'],
  XmlExpr: ['XML', 'messages are JSON'],
  CollateClause: ['COLLATE', 'texts are compared by their code points; lower(x) ignores case'],
  JsonIsPredicate: ['IS JSON', 'jsonb_typeof(x) says what a value is; a text is read with x::json'],
  JsonParseExpr: ['JSON(...)', 'write x::json'],
  JsonScalarExpr: ['JSON_SCALAR', 'write to_jsonb(x)'],
  JsonSerializeExpr: ['JSON_SERIALIZE', 'write x::text'],
  JsonArrayAgg: ['JSON_ARRAYAGG', oneMessage],
  JsonObjectAgg: ['JSON_OBJECTAGG', oneMessage],
  JSON_VALUE_OP: ['JSON_VALUE', "write payload #>> '{a,b}', or JSON_EXTRACT(payload, '$.a.b') with a cast"],
  JSON_QUERY_OP: ['JSON_QUERY', "write payload #> '{a,b}', or JSON_EXTRACT(payload, '$.a.b')"],
  JSON_EXISTS_OP: ['JSON_EXISTS', "write payload #> '{a,b}' IS NOT NULL, or payload ? 'a'"],
};

/** Why an expression of PostgreSQL's grammar is none here, and what to write instead. */
export function refusedExpression(node: Node, source: SourceText): SqlError {
  const kind = Object.keys(node)[0] ?? '';
  const body: { location?: number; op?: string } = Object.values(node)[0] ?? {};
  // The parser has one node for the functions of SQL/JSON that take a path.
  const [what, hint] = refusals[kind === 'JsonFuncExpr' ? (body.op ?? kind) : kind] ?? [
    `this expression (${kind})`,
    undefined,
  ];
  return unsupported(what, source.offset(body.location), hint);
}
