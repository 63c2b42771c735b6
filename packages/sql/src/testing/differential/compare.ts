import { jsonCodec, parseJson } from '@laminar/codecs';
import type { Type } from '../../bind/expression.js';
import { bindQuery, compileQuery, decodedMessage, RowError, SqlError } from '../../index.js';
import { message } from '../../testing.js';
import { sameJson } from '../../values/order.js';
import { isoTimestamp, parseTimestamp } from '../../values/time.js';
import type { Answer } from './oracle.js';
import { messageOf, type Row, rowRelations } from './rows.js';

/** What the dialect gives: its type and the JSON text of the value, or an error. */
export type Own = { readonly type: string; readonly json: string } | { readonly error: string; readonly code: string };

export function ownAnswer(expression: string, row: Row): Own {
  try {
    const bound = bindQuery(`SELECT ${expression} AS x FROM rows`, rowRelations);
    if (bound.status !== 'bound') return { error: bound.reason, code: 'blocked' };
    const [output] = compileQuery(bound.query).process(decodedMessage(message(messageOf(row)), jsonCodec));
    const text = new TextDecoder().decode(output?.data);
    return { type: bound.query.columns[0]?.type ?? '', json: text.slice('{"x":'.length, -1) };
  } catch (error) {
    if (error instanceof SqlError || error instanceof RowError) return { error: error.message, code: error.code };
    throw error;
  }
}

const typeNames: { readonly [postgres: string]: Type | undefined } = {
  text: 'TEXT',
  'character varying': 'TEXT',
  unknown: 'TEXT',
  boolean: 'BOOLEAN',
  smallint: 'SMALLINT',
  integer: 'INTEGER',
  bigint: 'BIGINT',
  real: 'REAL',
  'double precision': 'DOUBLE PRECISION',
  numeric: 'NUMERIC',
  'timestamp without time zone': 'TIMESTAMP',
  'timestamp with time zone': 'TIMESTAMP',
  date: 'DATE',
  interval: 'INTERVAL',
  bytea: 'BYTEA',
  json: 'JSON',
  jsonb: 'JSON',
};

/** Why two answers differ; undefined where they agree. */
export function difference(own: Own, theirs: Answer, approximate: boolean): string | undefined {
  if ('error' in own || 'error' in theirs) {
    if ('error' in own && 'error' in theirs) return undefined;
    return 'error' in own
      ? `an error here (${own.error})`
      : `an error there (${'error' in theirs ? theirs.error : ''})`;
  }
  const wanted = theirs.type.endsWith('[]') ? `${typeNames[theirs.type.slice(0, -2)]}[]` : typeNames[theirs.type];
  if (own.type !== wanted) return `the type ${own.type} here, ${theirs.type} there`;
  if (own.json === 'null' || theirs.text === null)
    return (own.json === 'null') === (theirs.text === null) ? undefined : 'NULL on one side';
  return sameValue(own, theirs.text, theirs.json ?? 'null', approximate) ? undefined : 'another value';
}

/** How far the last digits of functions such as ln may be apart. */
const tolerance = 1e-12;

function sameValue(
  { type, json }: { type: string; json: string },
  text: string,
  theirJson: string,
  approximate: boolean,
): boolean {
  switch (type) {
    case 'TEXT':
      return JSON.parse(json) === text || (approximate && near(Number(JSON.parse(json)), Number(text)));
    case 'DOUBLE PRECISION':
    case 'REAL': {
      const own = json.startsWith('"') ? Number(JSON.parse(json)) : Number(json);
      const theirs = Number(text);
      return (
        Object.is(own, theirs) ||
        (type === 'REAL' && Math.fround(own) === Math.fround(theirs)) ||
        (approximate && near(own, theirs))
      );
    }
    case 'TIMESTAMP':
      return json === JSON.stringify(isoTimestamp(parseTimestamp(text.replace(/\+00(?= BC|$)/, '')) ?? Number.NaN));
    case 'BYTEA':
      return JSON.parse(json) === Buffer.from(text.slice(2), 'hex').toString('base64');
    case 'DATE':
    case 'INTERVAL':
      return JSON.parse(json) === text;
    case 'BOOLEAN':
      return json === text;
    case 'JSON':
    case 'TEXT[]':
    case 'INTEGER[]':
      return sameJson(parse(json), parse(theirJson));
    default:
      return json === text || (approximate && near(Number(json), Number(text)));
  }
}

const near = (a: number, b: number): boolean => Math.abs(a - b) <= tolerance * Math.max(Math.abs(a), Math.abs(b));

const parse = (text: string): unknown => parseJson(Buffer.from(text, 'utf8'));
