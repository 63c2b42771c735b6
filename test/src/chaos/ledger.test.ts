import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PipelineLedger, Stored } from './ledger.js';
import { Messages, poisonKind } from './messages.js';
import { type ChaosPipeline, chaosPipelines } from './pipelines.js';
import { Random } from './random.js';

const count = 200;
const poison = { index: 1, at: 20, kind: poisonKind, target: 'the input', durationMs: 0 };
const messages = new Messages(7, count, [poison]);

function ledgerOf(pipeline: ChaosPipeline): { ledger: PipelineLedger; stored: Stored } {
  const stored = new Stored(count);
  for (let n = 0; n < count; n++) stored.sequences[n] = n + 1;
  stored.count = count;
  return { ledger: new PipelineLedger(pipeline, messages, stored), stored };
}

const owed = (pipeline: ChaosPipeline) =>
  Array.from({ length: count }, (_, n) => n).flatMap((n) =>
    Array.from({ length: pipeline.rows(n, messages.fate(n)) }, (_, row) => ({ n, row })),
  );
const seen = (n: number, row: number, checksum = messages.checksum(n)) => ({ n, row, checksum, atMs: 0 });
const seed = fc.nat(2 ** 31);

describe.each(chaosPipelines.map((pipeline) => [pipeline.name, pipeline] as const))(
  'the ledger of %s',
  (_, pipeline) => {
    it('is clean where each row came once, in whatever order where none is promised', () => {
      fc.assert(
        fc.property(seed, (given) => {
          const { ledger } = ledgerOf(pipeline);
          const rows = owed(pipeline);
          for (const { n, row } of pipeline.ordered ? rows : new Random(given).shuffled(rows))
            ledger.take(seen(n, row));
          expect(ledger.counts()).toMatchObject({ expected: rows.length, out: rows.length, lost: 0, doubled: 0 });
          expect(ledger.violations(0).count).toBe(0);
          expect(ledger.floor).toBe(count);
        }),
      );
    });

    it('names exactly the rows that are missing, unless their messages were purged', () => {
      fc.assert(
        fc.property(
          fc.uniqueArray(fc.nat(owed(pipeline).length - 1), { maxLength: 10 }),
          fc.boolean(),
          (gone, purged) => {
            const { ledger, stored } = ledgerOf(pipeline);
            const rows = owed(pipeline);
            const lost = rows.filter((_, i) => gone.includes(i));
            for (const { n, row } of rows.filter((_, i) => !gone.includes(i))) ledger.take(seen(n, row));
            expect(ledger.floor).toBe(lost[0]?.n ?? count);
            if (purged) for (const { n } of lost) stored.purge(n);
            const { first } = ledger.violations(0);
            expect(first.map(({ kind, n, row }) => ({ kind, n, row }))).toEqual(
              purged ? [] : lost.map(({ n, row }) => ({ kind: 'lost', n, row })),
            );
            expect(ledger.counts()).toMatchObject(
              purged ? { lost: 0, waived: lost.length } : { lost: lost.length, waived: 0 },
            );
          },
        ),
      );
    });

    it('counts every copy, and holds it against a promise of exactly once', () => {
      fc.assert(
        fc.property(fc.array(fc.nat(owed(pipeline).length - 1), { maxLength: 20 }), (again) => {
          const { ledger } = ledgerOf(pipeline);
          const rows = owed(pipeline);
          for (const { n, row } of rows) ledger.take(seen(n, row));
          for (const i of again) ledger.take(seen(rows[i]?.n ?? 0, rows[i]?.row ?? 0));
          expect(ledger.counts()).toMatchObject({ doubled: again.length, out: rows.length });
          expect(ledger.violations(0).count).toBe(pipeline.guarantee === 'exactly once' ? again.length : 0);
        }),
      );
    });

    it('knows a row of another message by its checksum, and one that nobody owes', () => {
      const { ledger } = ledgerOf(pipeline);
      const [some] = owed(pipeline);
      const other =
        Array.from({ length: count }, (_, n) => n).find((n) => pipeline.rows(n, messages.fate(n)) === 0) ?? 0;
      ledger.take(seen(some?.n ?? 0, 0, 'another'));
      ledger.take(seen(other, 0));
      ledger.take(seen(count, 0));
      expect(
        ledger
          .violations(0)
          .first.slice(0, 3)
          .map(({ kind }) => kind),
      ).toEqual(['garbled', 'unexpected', 'garbled']);
      expect(ledger.out).toBe(0);
    });
  },
);

it('finds rows that passed each other where order is promised', () => {
  const pipeline = chaosPipelines.find(({ ordered }) => ordered) as ChaosPipeline;
  const { ledger } = ledgerOf(pipeline);
  const rows = owed(pipeline);
  [rows[3], rows[4]] = [rows[4] as (typeof rows)[number], rows[3] as (typeof rows)[number]];
  for (const { n, row } of rows) ledger.take(seen(n, row));
  expect(ledger.violations(0).first).toMatchObject([{ kind: 'out of order', n: rows[4]?.n }]);
});
