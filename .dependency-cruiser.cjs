// The arrows of ARCHITECTURE.md, "Who may import whom".
const pure = '^packages/(protocol|definitions|codecs|sql)/src';
const tests = '\\.test\\.ts$|\\.contract\\.ts$|/testing/';

module.exports = {
  forbidden: [
    {
      name: 'no-circles',
      comment: 'Two modules that import each other are one concept in two files.',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'pure-packages-do-no-io',
      comment:
        'definitions, sql, codecs and protocol are functions of their arguments: no Node modules but `buffer`, which computes, and `v8`, which says how, no NATS.',
      severity: 'error',
      from: { path: pure, pathNot: tests },
      to: { dependencyTypes: ['core'], pathNot: '^(node:)?(buffer|v8)$' },
    },
    {
      name: 'pure-packages-know-no-client',
      comment: 'Pure packages import each other, schemas, parsers and protobuf.',
      severity: 'error',
      from: { path: pure, pathNot: tests },
      to: {
        pathNot: [
          pure,
          '^(node:)?(buffer|v8)$',
          '^packages/protocol/gen',
          'node_modules/(typebox|protobufjs|long|libpg-query|@pgsql|lossless-json|re2js)/',
        ],
      },
    },
    {
      name: 'event-store-knows-no-domain',
      comment: 'The event store carries bytes; only the protocol and the NATS client are its business.',
      severity: 'error',
      from: { path: '^packages/event-store/src', pathNot: tests },
      to: { path: '^packages/(?!event-store|protocol)' },
    },
    {
      name: 'secrets-know-no-domain',
      comment: 'Where values are kept is a matter of names and bytes.',
      severity: 'error',
      from: { path: '^packages/secrets/src', pathNot: tests },
      to: { path: '^packages/(?!secrets|protocol)' },
    },
    {
      name: 'sandbox-knows-no-domain',
      comment: 'What runs the code of users has nothing within reach.',
      severity: 'error',
      from: { path: '^packages/sandbox/src', pathNot: tests },
      to: { path: '^packages/(?!sandbox)' },
    },
    {
      name: 'connectors-are-leaves',
      comment: 'Connectors are codecs and definitions plus the NATS client: no SQL, no event store, no telemetry SDK.',
      severity: 'error',
      from: { path: '^packages/connectors/src', pathNot: tests },
      to: { path: '^packages/(?!connectors|protocol|definitions|codecs)' },
    },
    {
      name: 'sdk-only-at-the-start',
      comment: 'Libraries use the OpenTelemetry API; only telemetry/node.ts starts the SDK.',
      severity: 'error',
      from: { path: '^(packages|services)/', pathNot: ['^packages/telemetry/src/node', tests] },
      to: { path: 'node_modules/@opentelemetry/(?!api/|semantic-conventions/)' },
    },
    {
      name: 'libraries-do-not-start-telemetry',
      comment: 'A process starts its telemetry; a library only speaks to the API.',
      severity: 'error',
      from: { path: '^packages/(?!telemetry|runtime)' },
      to: { path: '^packages/telemetry/src/node' },
    },
    {
      name: 'services-do-not-meet-in-code',
      comment: 'Services meet at proto, protocol and definition events, never in an import.',
      severity: 'error',
      from: { path: '^services/([^/]+)/' },
      to: { path: '^services/', pathNot: '^services/$1/' },
    },
    {
      name: 'packages-do-not-import-services',
      severity: 'error',
      from: { path: '^packages/' },
      to: { path: '^services/' },
    },
    {
      name: 'only-the-control-plane-decides',
      comment: 'Readers of state must not depend on decisions.',
      severity: 'error',
      from: { path: '^(services/(ingestion|query)|packages/(?!definitions))/' },
      to: { path: '^packages/definitions/src/decisions' },
    },
    {
      name: 'tests-stay-in-tests',
      comment: 'What ships never imports the test launcher or a test runner.',
      severity: 'error',
      from: { path: '^(packages|services)/', pathNot: [tests, 'vitest\\.config'] },
      to: { path: ['^test/', 'node_modules/(vitest|fast-check)/'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '/dist/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.test.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['laminar-source', 'import', 'node', 'default'],
    },
  },
};
