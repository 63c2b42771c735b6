import type { ColumnRef, Node } from '@pgsql/types';

/** A name that PostgreSQL gives to a column without an alias; a weak one gives way to one further out. */
interface Implied {
  readonly name: string;
  readonly weak: boolean;
}

/**
 * The name of a column without an alias (PostgreSQL's FigureColname): that of the column or function it is, or the type that it is cast
 * to; undefined for what PostgreSQL calls `?column?`. `nameOf` is the name of a column that is referred to.
 */
export const impliedName = (node: Node | undefined, nameOf: (reference: ColumnRef) => string): string | undefined =>
  implied(node, nameOf)?.name;

function implied(node: Node | undefined, nameOf: (reference: ColumnRef) => string): Implied | undefined {
  if (!node) return undefined;
  if ('ColumnRef' in node) return strong(nameOf(node.ColumnRef));
  if ('FuncCall' in node) return strong(stringOf(node.FuncCall.funcname?.at(-1)));
  if ('TypeCast' in node) {
    const inner = implied(node.TypeCast.arg, nameOf);
    return inner && !inner.weak ? inner : weak(stringOf(node.TypeCast.typeName?.names?.at(-1)));
  }
  if ('CaseExpr' in node) {
    const inner = implied(node.CaseExpr.defresult, nameOf);
    return inner && !inner.weak ? inner : weak('case');
  }
  if ('A_ArrayExpr' in node) return strong('array');
  if ('A_Indirection' in node) return implied(node.A_Indirection.arg, nameOf);
  if ('CoalesceExpr' in node) return strong('coalesce');
  if ('MinMaxExpr' in node) return strong(node.MinMaxExpr.op === 'IS_GREATEST' ? 'greatest' : 'least');
  if ('A_Expr' in node && node.A_Expr.kind === 'AEXPR_NULLIF') return strong('nullif');
  if ('SQLValueFunction' in node) return strong(node.SQLValueFunction.op?.replace('SVFOP_', '').toLowerCase() ?? '');
  if ('JsonArrayConstructor' in node) return strong('json_array');
  if ('JsonObjectConstructor' in node) return strong('json_object');
  return undefined;
}

const strong = (name: string): Implied => ({ name, weak: false });
const weak = (name: string): Implied => ({ name, weak: true });

const stringOf = (node: Node | undefined): string => (node && 'String' in node ? (node.String.sval ?? '') : '');
