import { nearestName } from '@laminar/definitions';
import { type DefinedKind, definedKinds } from '@laminar/protocol';
import { queryBytesMax } from '../bind/parse.js';
import type { Statement } from '../contract.js';
import { sqlErrorCodes } from '../error-codes.js';
import { SqlError } from '../errors.js';
import { type Token, tokenize } from '../text/lexer.js';
import { parseColumns } from './columns.js';
import { connectionTest } from './connection-test.js';
import { Cursor } from './cursor.js';
import { explainedAs, refuseExplainOptions } from './explain.js';
import { creatableHint, firstWords, formOf } from './forms.js';
import { parseFunction } from './function.js';
import { parseOptions } from './options.js';
import { Places } from './places.js';
import { selectTarget } from './select-target.js';

const scriptBytesMax = 1024 * 1024;
const statementsMax = 10_000;

/** The statements of a script, in order. Queries are only cut out here; binding parses them. Throws `SqlError`. */
export function parseScript(text: string): Statement[] {
  if (new TextEncoder().encode(text).length > scriptBytesMax)
    throw new SqlError('too_large', `a script has at most ${scriptBytesMax} bytes`, 0, 'divide it into several');
  const cursor = new Cursor(text, tokenize(text));
  const statements: Statement[] = [];
  for (;;) {
    while (cursor.takeSymbol(';'));
    if (cursor.atEnd) return statements;
    if (statements.length === statementsMax)
      throw cursor.fail(
        cursor.token,
        'too_large',
        `a script has at most ${statementsMax} statements`,
        'send the rest as another script',
      );
    statements.push(parseStatement(cursor));
  }
}

/**
 * Which statement of a script, counted from 0, stands at `offset` (code points): where `parseScript` failed there, the one that
 * is to blame. The text before the offset must consist of whole tokens, as it does in front of such a failure.
 */
export function statementIndexAt(text: string, offset: number): number {
  const before = [...text].slice(0, offset).join('');
  const isSemicolon = (token: Token | undefined) => token?.kind === 'symbol' && token.value === ';';
  const tokens = tokenize(before);
  return tokens.filter((token, i) => isSemicolon(token) && i > 0 && !isSemicolon(tokens[i - 1])).length;
}

function parseStatement(cursor: Cursor): Statement {
  const first = cursor.token;
  const parsed = withHint(cursor, () => {
    const statement = parseByFirstWord(cursor);
    if (!cursor.atEnd && !cursor.atSymbol(';')) throw cursor.unexpected('";" or the end of the statement');
    return statement;
  });
  const text = cursor.text.slice(first.start, lastEnd(cursor, first.start));
  return { ...parsed, text, offset: cursor.offset(first.start) } as Statement;
}

/** What does not parse is told the form of the statement, where there is nothing better to say. */
function withHint<T>(cursor: Cursor, parse: () => T): T {
  const words = [0, 1, 2, 3]
    .map((ahead) => cursor.peek(ahead))
    .flatMap((token) => (token.kind === 'word' ? [token.value] : []));
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof SqlError) || error.code !== 'syntax_error' || error.hint !== sqlErrorCodes.syntax_error[1])
      throw error;
    const form = formOf(words);
    const hint = form ? `the form is ${form.syntax}` : creatableHint;
    throw new SqlError(error.code, error.message, error.offset, hint);
  }
}

function parseByFirstWord(cursor: Cursor): object {
  const { token } = cursor;
  if (cursor.takeWords('create')) return parseCreate(cursor);
  if (cursor.takeWords('alter')) {
    const kind = parseKind(cursor, withOptions);
    const named = parseName(cursor, `the name of a ${kind}`);
    cursor.expectWords('set');
    const at = cursor.token;
    const parsed = parseOptions(cursor);
    if (Object.keys(parsed.options).length === 0)
      throw cursor.fail(at, 'syntax_error', 'SET ( ) names no option', 'write SET (option = value)');
    return { type: 'alter', kind, ...named, ...parsed };
  }
  if (cursor.takeWords('start', 'pipeline'))
    return { type: 'start_pipeline', ...parseName(cursor, 'the name of a pipeline') };
  if (cursor.takeWords('stop', 'pipeline'))
    return { type: 'stop_pipeline', ...parseName(cursor, 'the name of a pipeline') };
  if (cursor.takeWords('drop')) return parseDrop(cursor);
  if (cursor.takeWords('show')) return { type: 'show', kind: parseKinds(cursor) };
  if (cursor.takeWords('describe')) return { type: 'describe', ...parseName(cursor, 'the name of a definition') };
  if (cursor.takeWords('explain')) {
    refuseExplainOptions(cursor);
    const { query, queryOffset } = cutQuery(cursor, 'a query');
    return { type: 'explain', query, queryOffset, as: explainedAs(query, queryOffset, tokenize(query)) };
  }
  if (token.kind === 'word' && (token.value === 'select' || token.value === 'with')) {
    const { query, queryOffset } = cutQuery(cursor, 'a query');
    const test = connectionTest(query, queryOffset);
    if (test) return { type: 'test_connection', ...test };
    return { type: 'select', query, queryOffset, over: selectTarget(query, queryOffset) };
  }
  if (token.kind === 'word' && token.value === 'insert') {
    throw cursor.fail(
      token,
      'unsupported',
      'INSERT on its own would run once; a stream runs as a pipeline',
      'write CREATE PIPELINE name AS INSERT INTO ...',
    );
  }
  const nearest = token.kind === 'word' ? nearestName(token.value, firstWords) : undefined;
  const hint =
    nearest === undefined
      ? `statements begin with ${firstWords.join(', ').toUpperCase()}`
      : nearest === token.value
        ? `write ${nearest.toUpperCase()} PIPELINE name`
        : `did you mean ${nearest.toUpperCase()}?`;
  throw cursor.fail(token, 'syntax_error', `"${cursor.text.slice(token.start, token.end)}" begins no statement`, hint);
}

function parseCreate(cursor: Cursor): object {
  const orReplace = cursor.takeWords('or', 'replace');
  if (cursor.takeWords('function')) return parseFunction(cursor, orReplace);
  const kind = parseKind(cursor, withOptions, creatable);
  const at = cursor.token;
  const ifNotExists = cursor.takeWords('if', 'not', 'exists');
  if (ifNotExists && orReplace)
    throw cursor.fail(at, 'syntax_error', 'OR REPLACE and IF NOT EXISTS exclude each other', 'leave one of them out');
  const places = new Places(cursor);
  const name = places.mark('/name', () => cursor.name(`the name of a ${kind}`));
  const head = { name, orReplace, ifNotExists, places: places.offsets };
  if (kind === 'connection') {
    cursor.expectWords('to');
    const connector = places.mark('/connector', () => cursor.name('the name of a connector'));
    return { type: 'create_connection', ...head, connector, ...parseOptions(cursor) };
  }
  if (kind === 'table') {
    const columns = parseColumns(cursor, places, { at: '/columns', mayBeEmpty: false });
    cursor.expectWords('with');
    return { type: 'create_table', ...head, columns, ...parseOptions(cursor) };
  }
  const options = cursor.takeWords('with') ? parseOptions(cursor) : { options: {}, optionOffsets: {} };
  cursor.expectWords('as');
  return { type: 'create_pipeline', ...head, ...options, ...cutQuery(cursor, 'a query after AS') };
}

function parseDrop(cursor: Cursor): object {
  const kind = parseKind(cursor, definedKinds);
  const ifExists = cursor.takeWords('if', 'exists');
  const named = parseName(cursor, `the name of a ${kind}`);
  return { type: 'drop', kind, ...named, ifExists, cascade: cursor.takeWords('cascade') };
}

function parseName(cursor: Cursor, what: string): { readonly name: string; readonly nameOffset: number } {
  const nameOffset = cursor.offset(cursor.token.start);
  return { name: cursor.name(what), nameOffset };
}

/** Kinds whose definitions have options. */
const withOptions = ['connection', 'table', 'pipeline'] as const;
const creatable: readonly DefinedKind[] = [...withOptions, 'function'];

/** One of the kinds; what is none is told of all that could stand there. */
function parseKind<K extends DefinedKind>(
  cursor: Cursor,
  kinds: readonly K[],
  told: readonly DefinedKind[] = kinds,
): K {
  for (const kind of kinds) if (cursor.takeWords(kind)) return kind;
  const { kind, value } = cursor.token;
  const nearest = kind === 'word' ? nearestName(value, told) : undefined;
  const hint = nearest === undefined ? undefined : `did you mean ${nearest.toUpperCase()}?`;
  const list = told.map((name) => name.toUpperCase()).join(', ');
  throw cursor.unexpected(list.replace(/, (\w+)$/, ' or $1'), hint);
}

function parseKinds(cursor: Cursor): DefinedKind {
  for (const kind of definedKinds) if (cursor.takeWords(`${kind}s`)) return kind;
  throw cursor.unexpected('CONNECTIONS, TABLES, PIPELINES or FUNCTIONS');
}

/** The text up to the next `;`, as it is written. */
function cutQuery(cursor: Cursor, what: string): { query: string; queryOffset: number } {
  const first = cursor.token;
  if (cursor.atEnd || first.value === ';') throw cursor.unexpected(what);
  while (!cursor.atEnd && !(cursor.token.kind === 'symbol' && cursor.token.value === ';')) cursor.advance();
  const query = cursor.text.slice(first.start, lastEnd(cursor, first.start));
  if (Buffer.byteLength(query) > queryBytesMax)
    throw cursor.fail(
      first,
      'too_large',
      `a query has at most ${queryBytesMax} bytes`,
      'divide it into several pipelines',
    );
  return { query, queryOffset: cursor.offset(first.start) };
}

/** Where the last token before the cursor ends, so that comments and space behind it stay out. */
function lastEnd(cursor: Cursor, start: number): number {
  return Math.max(cursor.peek(-1).end, start);
}
