import {
  type CheckName,
  type ConnectionCheck,
  checkNames,
  examineConnection,
  type SecretSource,
} from '@laminar/connectors';
import { type ConnectionDefinition, decodeConnection, resolveConnection } from '@laminar/definitions';
import { laminar, subjects } from '@laminar/protocol';
import type { DefinitionFiles } from '@laminar/runtime';
import type { Service, ServiceMsg } from '@nats-io/services';
import { payloadCodecOf } from '../jobs/codec-of.js';

const { ConnectionTestAnswer, ConnectionTestRequest } = laminar.v1;

/** Tests at a time; each holds a socket or two. */
const runningMax = 16;
/** Of the service protocol's error header. */
const codes = { malformed: 400, busy: 503 } as const;

export interface ConnectionTestsContext {
  readonly instance: string;
  readonly secrets: SecretSource;
  readonly files: DefinitionFiles;
  /** Resolves when the catalog has come to a revision; rejects after `timeoutMs`. */
  caughtUp(revision: number, timeoutMs: number): Promise<void>;
}

interface Request {
  readonly name: string;
  readonly definition: ConnectionDefinition;
  readonly revision: number;
  readonly timeoutMs: number;
  readonly through: CheckName | undefined;
}

/** The tests of connections that this instance makes, where secrets and files are what its readers see; of all instances, one makes each. */
export class ConnectionTests {
  #running = 0;

  constructor(readonly context: ConnectionTestsContext) {}

  /** Adds the endpoint to the instance's service. */
  answerOn(service: Service): void {
    service.addEndpoint('test', {
      subject: subjects.connectionTest,
      queue: 'laminar-ingestion',
      metadata: { request: 'laminar.v1.ConnectionTestRequest', response: 'laminar.v1.ConnectionTestAnswer' },
      handler: (error, message) => {
        if (!error) void this.#answer(message);
      },
    });
  }

  async #answer(message: ServiceMsg): Promise<void> {
    const request = readRequest(message.data);
    if (typeof request === 'string') {
      message.respondError(codes.malformed, request);
      return;
    }
    if (this.#running >= runningMax) {
      message.respondError(
        codes.busy,
        `the ingestion instance that answers makes ${runningMax} tests, as many as it takes`,
      );
      return;
    }
    this.#running++;
    try {
      const checks = await this.#test(request);
      message.respond(ConnectionTestAnswer.encode({ checks }).finish());
    } catch (error) {
      message.respondError(codes.busy, error instanceof Error ? error.message.replaceAll(/\s+/g, ' ') : String(error));
    } finally {
      this.#running--;
    }
  }

  async #test({ name, definition, revision, timeoutMs, through }: Request): Promise<ConnectionCheck[]> {
    const { instance, secrets, files, caughtUp } = this.context;
    const startedAt = performance.now();
    await caughtUp(revision, timeoutMs).catch(() => {
      throw new Error(
        `the ingestion instance that answers has not come to revision ${revision} within ${timeoutMs} ms`,
      );
    });
    const resolved = resolveConnection(name, definition);
    return examineConnection(definition.connector, {
      resolved,
      clientName: `laminar ${instance} test`,
      secrets,
      files,
      codec: () => payloadCodecOf(resolved, files),
      timeoutMs: Math.max(1, timeoutMs - (performance.now() - startedAt)),
      through,
    });
  }
}

/** The request, or what is wrong with it. */
function readRequest(data: Uint8Array): Request | string {
  try {
    const { name, definition, revision, timeoutMs, through } = ConnectionTestRequest.decode(data);
    if (!definition || timeoutMs === 0) return 'the request needs a definition and a time limit';
    const last = checkNames.find((check) => check === through);
    if (last === undefined && through !== '') return `there is no check "${through}"`;
    return { name, definition: decodeConnection(definition), revision: Number(revision), timeoutMs, through: last };
  } catch (error) {
    const why = error instanceof Error ? error.message.replaceAll(/\s+/g, ' ') : String(error);
    return `the request is no laminar.v1.ConnectionTestRequest: ${why}`;
  }
}
