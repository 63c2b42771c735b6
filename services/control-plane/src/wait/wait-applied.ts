import Type, { type Static } from 'typebox';
import { Refusal } from '../refusal.js';
import { until } from '../state/changes.js';
import type { Outcome } from '../state/decision.js';
import type { Mesh } from '../state/mesh.js';
import { pending, type Target } from './pending.js';

const timeoutMsDefault = 10_000;
const timeoutMsMax = 60_000;

/** The query parameters of everything that can wait. */
export const waitParameters = {
  wait: Type.Optional(
    Type.Enum(['applied'], {
      description: 'Answer when every instance concerned runs the revision; `blocked` and `stopped` answer at once.',
    }),
  ),
  timeout_ms: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: timeoutMsMax,
      description: `With wait: milliseconds after which the answer is 504 (${timeoutMsDefault}).`,
    }),
  ),
};
const waitSchema = Type.Object(waitParameters);
export type WaitQuery = Static<typeof waitSchema>;

/** What a write has to wait for: its own definition, and those that went with it. */
export function targetsOf({ kind, name, after, events }: Outcome): Target[] {
  const others = events.map((event) => ({ kind: event.kind, name: event.name, revision: event.revision }));
  return after ? [...others, { kind, name, revision: after.revision }] : others;
}

export interface WaitOptions {
  readonly query: WaitQuery;
  /** Aborts when nobody waits for the answer any more. */
  signal(): AbortSignal;
  /** Of the answer, where the time is up. */
  readonly headers: { readonly [name: string]: string };
  /** What is true whatever becomes of the wait, such as that the write is stored. */
  readonly stored: string;
  /** Of the problem, where the time is up. */
  members?(): { readonly [name: string]: unknown };
}

/** Returns when all targets are in effect, at once where nothing is to be waited for. Throws a `Refusal` when the time is up. */
export async function waitApplied(mesh: Mesh, targets: readonly Target[], options: WaitOptions): Promise<void> {
  const { query, headers, stored } = options;
  if (query.wait !== 'applied' || targets.length === 0) return;
  const { board } = mesh;
  let missing: string | undefined;
  const holds = () => {
    missing = undefined;
    for (const target of targets) missing ??= pending(target, mesh.catalog, board);
    return missing === undefined;
  };
  const timeoutMs = query.timeout_ms ?? timeoutMsDefault;
  const how = await until(mesh.changes, holds, { timeoutMs, signal: options.signal() });
  if (how === 'holds') return;
  const why = how === 'timeout' ? `after ${timeoutMs} ms` : 'when the service stopped';
  const revision = Math.max(...targets.map((target) => target.revision));
  throw new Refusal('not_applied', `${stored}, but it was not in effect everywhere ${why}: ${missing}`, {
    headers,
    members: { revision, ...options.members?.() },
  });
}
