import { STATUS_CODES } from 'node:http';
import { nearestName } from '@laminar/definitions';
import type { FastifyReply } from 'fastify';
import type { FailureCode } from './sql-runner/failure.js';

/** What went wrong, as RFC 9457 has it. */
export interface Problem {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly errors?: readonly { readonly pointer: string; readonly detail: string }[];
}

/** A problem that is thrown. */
export class HttpFailure extends Error {
  override readonly name = 'HttpFailure';
  constructor(readonly problem: Problem) {
    super(problem.detail);
  }
}

/** How a statement that failed is answered over HTTP. */
export const statementProblems: { readonly [code in FailureCode]: { status: number; code: string } } = {
  invalid: { status: 422, code: 'invalid_query' },
  timeout: { status: 504, code: 'query_timeout' },
  busy: { status: 429, code: 'too_many_statements' },
};

export function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  const title = STATUS_CODES[problem.status] ?? 'Error';
  return reply
    .code(problem.status)
    .type('application/problem+json')
    .send(JSON.stringify({ type: 'about:blank', title, ...problem }));
}

interface HttpError {
  readonly message: string;
  readonly code?: string;
  readonly statusCode?: number;
  readonly validation?: readonly {
    readonly instancePath: string;
    readonly message?: string;
    readonly params: { readonly [name: string]: unknown };
    /** Of the object that the error is about. */
    readonly parentSchema?: { readonly properties?: object };
  }[];
}

const codes: { readonly [status: number]: string } = {
  413: 'body_too_large',
  415: 'unsupported_media_type',
};

/** What the HTTP library refused: a body that is no JSON, too large, or not of the form that the route asks for. */
export function problemOfHttpError(error: HttpError): Problem {
  if (error instanceof HttpFailure) return error.problem;
  if (error.validation) {
    const errors = error.validation.map(({ instancePath, message, params, parentSchema }) => {
      const unknown = params.additionalProperty;
      if (typeof unknown === 'string') {
        const known = Object.keys(parentSchema?.properties ?? {});
        return { pointer: `${instancePath}/${escaped(unknown)}`, detail: unknownField(unknown, known) };
      }
      const where = instancePath === '' ? 'the body' : `"${instancePath.slice(1)}"`;
      return { pointer: instancePath, detail: `${where} ${message ?? 'is wrong'}` };
    });
    const detail = errors.map((entry) => entry.detail).join('; ');
    return { status: 422, code: 'invalid_body', detail, errors };
  }
  const status = error.statusCode ?? 500;
  if (status >= 500)
    return { status: 500, code: 'internal_error', detail: 'the request failed; the log of the service says why' };
  return { status, code: codes[status] ?? 'malformed_request', detail: error.message };
}

function unknownField(name: string, known: readonly string[]): string {
  const nearest = nearestName(name, known);
  const hint = nearest === undefined ? `known are ${known.join(', ')}` : `did you mean "${nearest}"?`;
  return `there is no field "${name}"; ${hint}`;
}

/** A name as a part of a JSON pointer (RFC 6901). */
const escaped = (name: string): string => name.replaceAll('~', '~0').replaceAll('/', '~1');
