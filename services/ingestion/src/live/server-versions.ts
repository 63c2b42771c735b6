import { serverVersions } from '@laminar/connectors';
import { laminar, subjects } from '@laminar/protocol';
import type { Service, ServiceMsg } from '@nats-io/services';

const { ServerVersionsAnswer, ServerVersionsRequest } = laminar.v1;

const malformed = 400;

/** Says what servers say of their versions, as this instance, which would connect to them, sees them; of all instances, one answers. */
export function answerServerVersions(service: Service): void {
  service.addEndpoint('versions', {
    subject: subjects.serverVersions,
    queue: 'laminar-ingestion',
    metadata: { request: 'laminar.v1.ServerVersionsRequest', response: 'laminar.v1.ServerVersionsAnswer' },
    handler: (error, message) => {
      if (!error) void answer(message);
    },
  });
}

async function answer(message: ServiceMsg): Promise<void> {
  try {
    const { servers, timeoutMs } = ServerVersionsRequest.decode(message.data);
    const found = await serverVersions(servers, timeoutMs);
    const answers = found.map(({ version, ...rest }) => ({ ...rest, version: version ?? '' }));
    message.respond(ServerVersionsAnswer.encode({ servers: answers }).finish());
  } catch (error) {
    const why = error instanceof Error ? error.message.replaceAll(/\s+/g, ' ') : String(error);
    message.respondError(malformed, `the request is no laminar.v1.ServerVersionsRequest: ${why}`);
  }
}
