import { type FieldName, stringifyJson } from '@laminar/codecs';
import { isPublishableSubject } from '@laminar/protocol';
import { toJson } from '../bind/coerce.js';
import type { Expression } from '../bind/expression.js';
import type { Branch, Output, OutputColumn } from '../bind/plan.js';
import { planBehind } from '../bind/query.js';
import { CallResults } from '../calls.js';
import type { BoundQuery, CompiledQuery, DecodedMessage, OutputRow } from '../contract.js';
import { RowError } from '../errors.js';
import { rowBytesMax } from '../rows.js';
import { kindOfJson } from '../values/json-scalar.js';
import { emitDrops } from './dropping.js';
import { declarations, Emitter } from './emit.js';
import { FieldReads } from './field-reads.js';
import { replies, replySubject } from './reply.js';
import { rowFailure } from './row-failure.js';
import { emitBranches } from './rows.js';
import type { ValueTexts } from './value-texts.js';

const none: readonly OutputRow[] = [];

/** One function for all that a query makes of the messages of one of its connections, made once: decode, filter, compute, serialise. */
export function compileQuery(query: BoundQuery, connection = onlyConnection(query)): CompiledQuery {
  const whole = planBehind(query);
  const plan = { ...whole, branches: whole.branches.filter((branch) => branch.connection === connection) };
  const fields = new FieldReads();
  const emitter = new Emitter(fields.variable);
  const drop = emitDropping(plan.branches, emitter);
  const awaits = plan.calls.length > 0;
  const rows = emitBranches(plan.branches, emitter, fields, awaits, ({ output }, texts) =>
    plan.replies ? emitReply(output, texts) : emitOutput(output, texts),
  );
  const body = [
    '"use strict";',
    ...emitter.constants.map((_, i) => `const c${i} = constants[${i}];`),
    awaits ? 'return function process(decoded, results = new CallResults()) {' : 'return function process(decoded) {',
    drop,
    declarations,
    'let rowSize = 0;',
    emitter.declarations(),
    emitter.readsPayload ? 'const payload = decoded.value();' : 'decoded.check();',
    'try {',
    rows,
    '} catch (error) {',
    'throw rowFailure(error, at) ?? error;',
    '}',
    '};',
  ].join('\n');
  const make = new Function('constants', 'none', 'row', 'CallResults', 'rowFailure', body);
  return { process: make(emitter.constants, none, row, CallResults, rowFailure) as CompiledQuery['process'] };
}

function onlyConnection({ connections }: BoundQuery): string {
  const [only, second] = connections;
  if (only === undefined || second !== undefined) throw new Error('the query reads several connections');
  return only;
}

const row = (data: Uint8Array): OutputRow[] => [{ data, subject: undefined, headers: undefined }];

/** Drops a message unread where every select of the query does. */
function emitDropping(branches: readonly Branch[], emitter: Emitter): string {
  const drops = branches.map((branch) => emitDrops(branch, emitter));
  if (!drops.every((drop) => drop !== undefined)) return '';
  return `if (${drops.join(' && ')}) return none;`;
}

/** Where a reply cannot go anywhere, nothing is computed for it. */
function emitReply(output: Output, texts: ValueTexts): string {
  const { emitter } = texts;
  const to = emitter.variable();
  return `(${to} = ${emitter.constant(replySubject)}(message), ${emitter.constant(replies)}(${emitOutput(output, texts)}, ${to}))`;
}

/** The rows, as an expression. */
function emitOutput(output: Output, texts: ValueTexts): string {
  const { emitter, fields } = texts;
  switch (output.shape) {
    case 'payload':
      return 'row(message.data)';
    case 'object':
      return `row(${emitter.constant(encode)}(${objectText(output.columns, texts)}))`;
    case 'row': {
      const values = valueTexts(output.columns, texts);
      return `row(${emitter.constant(encode)}(${emitter.constant(oneLine)}("[" + [${values.join(', ')}].join(",") + "]")))`;
    }
    case 'extended': {
      const names = output.columns.map(({ name }) => fields.name(name));
      const values = valueTexts(output.columns, texts);
      const extended = emitter.constant(output.base === 'bytes' ? extendBytes : extendValue);
      return `row(${extended}(decoded, ${emitter.constant(names)}, [${values.join(', ')}]))`;
    }
    case 'envelope': {
      const { body, payload, subject, headers } = output;
      const value = (expression: Expression | undefined) =>
        expression ? emitter.value(toJson(expression)) : 'undefined';
      const data =
        body === 'raw'
          ? `${emitter.constant(rawBody)}(${emitter.value(payload)})`
          : `${emitter.constant(encode)}(${texts.of(toJson(payload))})`;
      return `${emitter.constant(envelope)}(${data}, ${value(subject)}, ${subject !== undefined}, ${value(headers)})`;
    }
  }
}

/** A concatenation of keys, known now, and values. */
function objectText(columns: readonly OutputColumn[], texts: ValueTexts): string {
  const { emitter } = texts;
  if (columns.length === 0) return emitter.constant('{}');
  const values = valueTexts(columns, texts);
  const pieces = columns.map(({ name }, i) => {
    const prefix = emitter.constant(`${i === 0 ? '{' : ','}${JSON.stringify(name)}:`);
    return `${prefix} + ${values[i]}`;
  });
  return `${pieces.join(' + ')} + "}"`;
}

/** Columns up to which a row cannot come to much more than it may before it is encoded. */
const columnsUncounted = 8;

/** The texts of the columns, to be computed in this order. Where they are many, what they come to is counted, so that a row that is too large is not built first. */
function valueTexts(columns: readonly OutputColumn[], texts: ValueTexts): readonly string[] {
  const values = columns.map(({ expression }) => texts.of(expression));
  if (columns.length <= columnsUncounted) return values;
  const text = texts.emitter.variable();
  const refuse = texts.emitter.constant(refuseRow);
  return values.map((value, i) => {
    const counted = `${i === 0 ? `rowSize = 0, ` : ''}${text} = ${value}, rowSize += ${text}.length`;
    return `(${counted}, rowSize > ${rowBytesMax} ? (at = ${columns[i]?.expression.offset}, ${refuse}()) : ${text})`;
  });
}

function refuseRow(): never {
  throw new RowError('too_large', `the row comes to more than ${rowBytesMax} bytes`);
}

/** Rows are told as lines. What came as JSON has line ends between its tokens alone, where a space means the same. */
const oneLine = (text: string): string => text.replace(/[\r\n]/g, ' ');

function encode(text: string): Uint8Array {
  if (text.length > rowBytesMax) refuseRow();
  return Buffer.from(text, 'utf8');
}

const closingBrace = 0x7d;

/** The bytes of a TEXT or a BYTEA; NULL has none. */
function rawBody(payload: string | Uint8Array | null | undefined): Uint8Array {
  return payload instanceof Uint8Array ? payload : encode(payload ?? '');
}

/** The payload's object with more members, whose values are JSON texts; those that it has already take the new value. */
function extendValue(decoded: DecodedMessage, names: readonly FieldName[], values: readonly string[]): Uint8Array {
  const members = new Map(Object.entries(objectOf(decoded)).map(([name, value]) => [name, stringifyJson(value)]));
  for (const [i, { text }] of names.entries()) members.set(text, values[i] ?? 'null');
  return encode(`{${Array.from(members, ([name, text]) => `${JSON.stringify(name)}:${text}`).join(',')}}`);
}

/** The same, of bytes of JSON: they stay as they came where none of the members is there already. */
function extendBytes(decoded: DecodedMessage, names: readonly FieldName[], values: readonly string[]): Uint8Array {
  const count = decoded.memberCount() ?? Object.keys(objectOf(decoded)).length;
  if (names.some((name) => decoded.field(name) !== undefined)) return extendValue(decoded, names, values);
  const members = names.map(({ text }, i) => `${JSON.stringify(text)}:${values[i]}`).join(',');
  const added = encode(`${count === 0 ? '' : ','}${members}}`);
  const { data } = decoded.message;
  const end = data.lastIndexOf(closingBrace);
  const extended = Buffer.allocUnsafe(data.length - 1 + added.length);
  extended.set(data);
  extended.set(added, end);
  extended.set(data.subarray(end + 1), end + added.length);
  return extended;
}

function objectOf(decoded: DecodedMessage): object {
  const payload = decoded.value();
  if (typeof payload === 'object' && payload !== null && !Array.isArray(payload)) return payload;
  throw new RowError('wrong_kind', `SELECT *, ... adds to an object, but the message is ${kindOfJson(payload)}`);
}

function envelope(data: Uint8Array, subject: unknown, hasSubject: boolean, headers: unknown): readonly OutputRow[] {
  if (hasSubject && (typeof subject !== 'string' || !isPublishableSubject(subject))) {
    const why =
      subject === null || subject === undefined
        ? 'it is NULL'
        : 'it is no exact subject, or one that belongs to NATS or the mesh';
    throw new RowError('invalid_subject', `the row cannot be published to the subject that it names: ${why}`);
  }
  return [
    {
      data,
      subject: hasSubject ? (subject as string) : undefined,
      headers: headersOf(headers),
    },
  ];
}

/** Headers that NATS or the mesh give a meaning to; copied from a message they would make the output another. */
const reservedHeader = /^(?:nats-|laminar-|traceparent$|tracestate$)/i;

function headersOf(headers: unknown): OutputRow['headers'] {
  if (headers === null || headers === undefined) return undefined;
  if (typeof headers !== 'object' || Array.isArray(headers))
    throw new RowError('wrong_kind', `headers are a JSON object, not ${kindOfJson(headers)}`);
  const own = Object.entries(headers).filter(([name, value]) => value !== null && !reservedHeader.test(name));
  return Object.fromEntries(
    own.map(([name, value]) => {
      const values = (Array.isArray(value) ? value : [value]).map((item) =>
        typeof item === 'string' ? item : stringifyJson(item),
      );
      if (!/^[!-9;-~]+$/.test(name) || values.some((item) => /[\r\n]/.test(item)))
        throw new RowError('invalid_header', 'a header has a name or value that NATS cannot carry');
      return [name, values];
    }),
  );
}
