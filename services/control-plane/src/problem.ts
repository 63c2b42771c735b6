import { STATUS_CODES } from 'node:http';
import { DefinitionRejected, type Issue } from '@laminar/definitions';
import { BusUnavailable, EventTooLarge } from '@laminar/event-store';
import { locate, type SqlError } from '@laminar/sql';
import { QueryRejected } from './definitions/query-check.js';
import { type ProblemCode, problemCodes } from './http/problem-codes.js';
import { Refusal } from './refusal.js';
import { StatementFailed } from './script/statement-failed.js';
import { SecretMask } from './secret-mask.js';

/** What an error is to whoever made the request (RFC 9457). */
export interface Problem {
  readonly status: number;
  readonly headers: { readonly [name: string]: string };
  readonly body: {
    /** What RFC 9457 has for a problem that its status and its code say all of. */
    readonly type: 'about:blank';
    readonly title: string;
    readonly status: number;
    readonly code: ProblemCode;
    readonly detail: string;
    readonly [member: string]: unknown;
  };
  /** Something that nobody foresaw, which belongs into the log and not into the answer. */
  readonly unexpected: boolean;
}

/** The one place where errors become HTTP. */
export function toProblem(error: unknown): Problem {
  if (error instanceof StatementFailed) return statementProblem(error);
  if (error instanceof QueryRejected) return queryProblem(error);
  if (error instanceof DefinitionRejected) return rejectionProblem(error);
  if (error instanceof Refusal) return refusalProblem(error);
  if (error instanceof BusUnavailable) return problem('bus_unavailable', error.message, {}, { 'retry-after': '1' });
  if (error instanceof EventTooLarge) {
    const detail = `the definition has ${error.size} bytes; at most ${error.limit} are taken`;
    return problem('definition_too_large', detail);
  }
  return frameworkProblem(error) ?? unexpected();
}

/** A text in which something is wrong, and where. */
interface Place {
  readonly text: string;
  readonly offset: number;
}

/** `position` in what was sent, and the caret under it, without the secrets that stand there. */
function placeMembers({ text, offset }: Place, mask = new SecretMask(text)) {
  const { line, column } = locate(text, offset);
  const { excerpt } = locate(mask.text, mask.offset(offset));
  return { position: { line, column, offset }, excerpt };
}

const items = (issues: readonly Issue[]) =>
  issues.map(({ code, message, pointer }) => ({
    code,
    detail: message,
    ...(pointer === undefined ? {} : { pointer }),
  }));

function problem(
  code: ProblemCode,
  detail: string,
  members: { readonly [name: string]: unknown } = {},
  headers: { readonly [name: string]: string } = {},
): Problem {
  const { status } = problemCodes[code];
  const title = STATUS_CODES[status] ?? 'Error';
  const body = { type: 'about:blank' as const, title, status, code, detail, ...members };
  return { status, headers, body, unexpected: false };
}

const sqlDetail = ({ message, hint }: SqlError): string => `${message}; ${hint}`;

function queryProblem({ error, query, pointer }: QueryRejected): Problem {
  const mask = new SecretMask(query);
  const detail = mask.message(sqlDetail(error));
  const errors = [{ code: error.code, detail, pointer }];
  return problem(error.code, detail, { ...placeMembers({ text: query, offset: error.offset }, mask), errors });
}

function rejectionProblem({ code, message, issues }: DefinitionRejected): Problem {
  const problemCode = code === 'invalid' ? 'invalid_definition' : code;
  return problem(problemCode, message, issues.length > 0 ? { errors: items(issues) } : {});
}

function refusalProblem({ code, message, details }: Refusal): Problem {
  const { issues = [], at, members = {}, headers = {} } = details;
  return problem(
    code,
    at ? new SecretMask(at.text).message(message) : message,
    { ...(at ? placeMembers(at) : {}), ...(issues.length > 0 ? { errors: items(issues) } : {}), ...members },
    headers,
  );
}

/** A script's problem is its statement's, with positions in the script instead of pointers into a body that nobody sent. */
function statementProblem({ cause, script, details }: StatementFailed): Problem {
  const { index, offset, issuePlaces, results, hint } = details;
  const inner = toProblem(cause);
  const mask = new SecretMask(script);
  const { type, title, status, code } = inner.body;
  const detail = mask.message(hint === undefined ? inner.body.detail : `${inner.body.detail}; ${hint}`);
  const errors = issuePlaces.map(({ issue, offset: at }) => ({
    code: issue.code,
    detail: mask.message(issue.message),
    ...placeMembers({ text: script, offset: at }, mask),
  }));
  const place = status < 500 ? placeMembers({ text: script, offset }, mask) : {};
  const more = errors.length > 0 ? { errors } : {};
  return { ...inner, body: { type, title, status, code, detail, ...place, ...more, statement_index: index, results } };
}

/** What Fastify itself refuses. */
const frameworkCodes: { readonly [code: string]: ProblemCode } = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'body_too_large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported_media_type',
};

function frameworkProblem(error: unknown): Problem | undefined {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return undefined;
  if (!('statusCode' in error) || typeof error.statusCode !== 'number' || error.statusCode >= 500) return undefined;
  const code = frameworkCodes[error.code] ?? 'malformed_request';
  const details: { readonly [code in ProblemCode]?: string } = {
    body_too_large: 'the body is larger than 1 MiB',
    unsupported_media_type: 'the body must be of type application/json (a PATCH may be application/merge-patch+json)',
  };
  return problem(code, details[code] ?? error.message);
}

function unexpected(): Problem {
  return { ...problem('internal_error', 'the service failed to answer; its log says more'), unexpected: true };
}
