import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files that take more than half a minute; begun last, one of them would run alone at the end. */
const longest = [
  'test/src/bench/bench.test.ts',
  'services/query/src/rebuild.test.ts',
  'services/ingestion/src/survival-blocked.test.ts',
  'test/src/e2e/upgrade.test.ts',
  'test/src/conformance/consumers.test.ts',
  'packages/cli/src/up/up.test.ts',
  'test/src/e2e/live-streams.test.ts',
  'services/ingestion/src/sole-writer.test.ts',
  'services/ingestion/src/duplicate-window.test.ts',
  'test/src/chaos/campaign.test.ts',
  'test/src/conformance/stores.test.ts',
  'services/ingestion/src/survival-cluster.test.ts',
  'services/ingestion/src/rebalance.test.ts',
  'services/ingestion/src/positioned.test.ts',
  'test/src/e2e/wait-applied.test.ts',
  'test/src/e2e/cluster-bus.test.ts',
  'services/ingestion/src/exactly-once.test.ts',
  'test/src/conformance/retry.test.ts',
  'services/ingestion/src/swaps.test.ts',
  'test/src/conformance/authentication.test.ts',
];

/** Begins with the files that take longest, where no run before tells how long each takes. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      const index = longest.findIndex((name) => moduleId.endsWith(name));
      return index < 0 ? longest.length : index;
    };
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}
