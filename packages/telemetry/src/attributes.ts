/**
 * Span attribute names: OpenTelemetry's semantic conventions for messaging and HTTP
 * (https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/), and the project's own.
 */
export const attributes = {
  messagingSystem: 'messaging.system',
  destinationName: 'messaging.destination.name',
  operationName: 'messaging.operation.name',
  operationType: 'messaging.operation.type',
  consumerGroup: 'messaging.consumer.group.name',
  messageBodySize: 'messaging.message.body.size',
  serverAddress: 'server.address',
  httpMethod: 'http.request.method',
  httpRoute: 'http.route',
  httpStatus: 'http.response.status_code',
  urlPath: 'url.path',
  connection: 'laminar.connection',
  pipeline: 'laminar.pipeline',
  kind: 'laminar.definition.kind',
  definition: 'laminar.definition.name',
  revision: 'laminar.revision',
  instance: 'laminar.instance',
  rows: 'laminar.rows',
} as const;
