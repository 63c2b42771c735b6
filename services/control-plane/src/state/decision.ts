import { type Catalog, evolve, type Recorded, type RecordedEvent } from '@laminar/definitions';
import { type DecidedEvent, decide, type OwnBus } from '@laminar/definitions/decisions';
import type { Kind } from '@laminar/protocol';
import type { Warning } from '@laminar/sql';
import type { Intent } from '../definitions/intent.js';

/** What an intent comes to in a catalog; no events where nothing would change. */
export interface Decision {
  readonly events: readonly DecidedEvent[];
  readonly before: Recorded | undefined;
}

/** What became of a definition, and of those that went with it. */
export interface Outcome {
  readonly kind: Kind;
  readonly name: string;
  readonly before: Recorded | undefined;
  /** Undefined where it is dropped, or was not there. */
  readonly after: Recorded | undefined;
  /** Empty where nothing changed. */
  readonly events: readonly RecordedEvent[];
  /** What was seen outside the catalog: files that the definition names. */
  readonly warnings: readonly Warning[];
}

/** Throws what the intent and the decision throw. */
export function decideIntent(intent: Intent, catalog: Catalog, bus: OwnBus): Decision {
  const command = intent.command(catalog);
  return {
    before: catalog.get(intent.kind, intent.name),
    events: command === undefined ? [] : decide(command, catalog, bus),
  };
}

/** The definition as these very events left it, whatever has come to it since. */
export function outcomeOf(
  { kind, name }: Intent,
  before: Recorded | undefined,
  events: readonly RecordedEvent[],
): Outcome {
  const own = events.filter((event) => event.kind === kind && event.name === name);
  const after = own.reduce<Recorded | undefined>(evolve, before);
  return { kind, name, before, after, events, warnings: [] };
}

/** Carries an intent out in a catalog alone, which writes nothing anywhere else. */
export function rehearse(intent: Intent, catalog: Catalog, bus: OwnBus, at: number): Outcome {
  const { before, events } = decideIntent(intent, catalog, bus);
  const recorded = events.map((event): RecordedEvent => {
    const { kind, name, version, body } = event;
    const metadata = { eventId: '', actor: '', traceparent: '', at, revision: catalog.revision + 1 };
    const whole: RecordedEvent = { ...metadata, kind, name, version, body };
    catalog.apply(whole);
    return whole;
  });
  return outcomeOf(intent, before, recorded);
}
