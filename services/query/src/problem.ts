import type { FastifyReply } from 'fastify';
import type { FailureCode } from './sql-runner/failure.js';

/** What went wrong, as RFC 9457 has it. */
export interface Problem {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly errors?: readonly { readonly pointer: string; readonly detail: string }[];
}

const titles: { readonly [status: number]: string } = {
  400: 'Bad Request',
  401: 'Unauthorized',
  404: 'Not Found',
  408: 'Request Timeout',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  422: 'Unprocessable Content',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};

/** How a statement that failed is answered over HTTP. */
export const statementProblems: { readonly [code in FailureCode]: { status: number; code: string } } = {
  invalid: { status: 422, code: 'invalid_sql' },
  timeout: { status: 408, code: 'timeout' },
  busy: { status: 429, code: 'too_many_statements' },
};

export function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  const title = titles[problem.status] ?? 'Error';
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
  }[];
}

const codes: { readonly [status: number]: string } = {
  400: 'malformed_request',
  413: 'body_too_large',
  415: 'unsupported_media_type',
};

/** What the HTTP library refused: a body that is no JSON, too large, or not of the form that the route asks for. */
export function problemOfHttpError(error: HttpError): Problem {
  if (error.validation) {
    const errors = error.validation.map(({ instancePath, message, params }) => {
      const unknown = params.additionalProperty;
      return typeof unknown === 'string'
        ? { pointer: `${instancePath}/${unknown}`, detail: 'there is no such field' }
        : { pointer: instancePath, detail: message ?? 'is wrong' };
    });
    const detail = errors
      .map((entry) => `${entry.pointer === '' ? 'the body' : entry.pointer} ${entry.detail}`)
      .join('; ');
    return { status: 422, code: 'invalid_body', detail, errors };
  }
  const status = error.statusCode ?? 500;
  if (status >= 500)
    return { status: 500, code: 'internal_error', detail: 'the request failed; the log of the service says why' };
  return { status, code: codes[status] ?? 'bad_request', detail: error.message };
}
