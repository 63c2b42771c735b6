import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/src/longest-first.js';

// Workspace packages resolve to their sources; only spawned service processes run what was built.
const conditions = ['laminar-source', 'node', 'import', 'default'];

/** They register the OpenTelemetry SDK, of which a process has one for good: these have a worker each. */
const alone = ['packages/telemetry/src/span.test.ts', 'services/query/src/otlp.test.ts'];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    setupFiles: ['test/src/seed.ts'],
    reporters: ['default', './test/src/conformance/reporter.ts'],
    pool: 'forks',
    maxWorkers: 3,
    sequence: { sequencer: LongestFirst },
    testTimeout: 60_000,
    hookTimeout: 120_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'shared',
          include: ['packages/*/src/**/*.test.ts', 'services/*/src/**/*.test.ts', 'test/src/**/*.test.ts'],
          exclude: alone,
          // A worker runs one file after the other with the modules that it has: loading them took as long as most files' tests.
          isolate: false,
        },
      },
      { extends: true, test: { name: 'alone', include: alone } },
    ],
  },
});
