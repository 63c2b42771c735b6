import { functionAnswerMsMax } from '@laminar/protocol';
import { CallFailed, type Sandbox } from '@laminar/sandbox';
import type { MissingCall, UserFunction } from '@laminar/sql';
import { type NatsConnection, RequestError, TimeoutError } from '@nats-io/nats-core';
import type { FunctionCaller } from './awaited-evaluations.js';

/** What a NATS micro service answers with where it cannot (NATS ADR-32). */
const serviceError = { code: 'Nats-Service-Error-Code', message: 'Nats-Service-Error' } as const;

/** Makes the calls of functions that a query cannot make itself: asks over the mesh's bus, or runs JavaScript. */
export class FunctionCalls implements FunctionCaller {
  constructor(
    readonly nc: NatsConnection,
    readonly sandbox: Sandbox,
  ) {}

  call({ called, request }: MissingCall): Promise<Uint8Array> {
    return called.language === 'nats' ? this.#ask(called.body, request) : this.#run(called, request);
  }

  async #ask(subject: string, request: string): Promise<Uint8Array> {
    try {
      const { data, headers } = await this.nc.request(subject, request, { timeout: functionAnswerMsMax });
      const code = headers?.get(serviceError.code);
      if (code)
        throw new CallFailed(`${subject} answered with the error ${code}: ${headers?.get(serviceError.message)}`);
      return data;
    } catch (error) {
      throw error instanceof CallFailed ? error : new CallFailed(reasonOf(subject, error), { cause: error });
    }
  }

  async #run({ arguments: parameters, body }: UserFunction, request: string): Promise<Uint8Array> {
    return Buffer.from(await this.sandbox.call({ parameters: parameters.map(({ name }) => name), body }, request));
  }
}

function reasonOf(subject: string, error: unknown): string {
  if (error instanceof RequestError && error.isNoResponders()) return `nobody answers on ${subject} of the mesh's bus`;
  const cause = error instanceof RequestError ? error.cause : error;
  if (cause instanceof TimeoutError) return `${subject} gave no answer within ${functionAnswerMsMax} ms`;
  return `asking ${subject} failed: ${error instanceof Error ? error.message : String(error)}`;
}
