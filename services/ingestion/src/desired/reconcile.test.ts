import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Action, reconcile } from './reconcile.js';
import type { PipelineSpec, SlotSpec } from './slot.js';

const pipelineSpec = fc
  .record({ name: fc.constantFrom('a', 'b', 'c'), incarnation: fc.constantFrom(1, 2), revision: fc.constantFrom(1, 2) })
  .map((pipeline) => pipeline as PipelineSpec);

const slotSpecs = fc
  .uniqueArray(
    fc.record({
      key: fc.constantFrom('k1', 'k2', 'k3', 'k4'),
      revision: fc.constantFrom(1, 2),
      pipelines: fc.uniqueArray(pipelineSpec, { selector: ({ name }) => name }),
    }),
    { selector: ({ key }) => key },
  )
  .map(
    (slots) =>
      new Map(
        slots.map(({ key, revision, pipelines }): [string, SlotSpec] => [
          key,
          {
            key,
            connection: { name: key, revision } as SlotSpec['connection'],
            reader: { name: key, incarnation: revision },
            pipelines,
          },
        ]),
      ),
  );

/** What runs after an action was carried out. */
function carriedOut(running: ReadonlyMap<string, SlotSpec>, action: Action): Map<string, SlotSpec> {
  const next = new Map(running);
  if (action.type === 'stop') next.delete(action.key);
  else next.set(action.spec.key, action.spec);
  return next;
}

it('comes from anything to what is wanted, and then has nothing more to do', () => {
  fc.assert(
    fc.property(slotSpecs, slotSpecs, (wanted, running) => {
      const after = reconcile(wanted, running).reduce(carriedOut, new Map(running));
      expect(new Set(after.keys())).toEqual(new Set(wanted.keys()));
      expect(reconcile(wanted, after)).toEqual([]);
    }),
  );
});

it('touches each slot once, and none that is as it should be', () => {
  fc.assert(
    fc.property(slotSpecs, slotSpecs, (wanted, running) => {
      const keys = reconcile(wanted, running).map((action) => (action.type === 'stop' ? action.key : action.spec.key));
      expect(new Set(keys).size).toBe(keys.length);
      expect(reconcile(running, running)).toEqual([]);
    }),
  );
});

it('closes the connection only where the connection itself changed', () => {
  fc.assert(
    fc.property(slotSpecs, slotSpecs, (wanted, running) => {
      for (const action of reconcile(wanted, running)) {
        if (action.type === 'change') {
          expect(running.get(action.spec.key)?.connection.revision).toBe(action.spec.connection.revision);
        } else if (action.type === 'restart') {
          expect(running.get(action.spec.key)?.connection.revision).not.toBe(action.spec.connection.revision);
        }
      }
    }),
  );
});
