import { randomUUID } from 'node:crypto';
import { type Catalog, type DefinitionEvent, encodeEvent, type RecordedEvent } from '@laminar/definitions';
import type { OwnBus } from '@laminar/definitions/decisions';
import {
  BusUnavailable,
  type Candidate,
  type CommandHandler,
  createCommandHandler,
  type EventLog,
  type LogSubscription,
} from '@laminar/event-store';
import { formatDefinitionKey } from '@laminar/protocol';
import { attributes, parseTraceparent, recordError, startSpan, traceparentOf } from '@laminar/telemetry';
import { ROOT_CONTEXT, type Span, trace } from '@opentelemetry/api';
import type { Intent } from '../definitions/intent.js';
import { type Decision, decideIntent, type Outcome, outcomeOf } from './decision.js';

/** Every write is answered by then, whatever the bus does. */
const answerWithinMs = 5000;

/** Who asks, and in which span. */
export interface Origin {
  readonly actor: string;
  readonly span: Span;
}

interface Execution {
  readonly intent: Intent;
  readonly origin: Origin;
  /** Set once the answer was given: nothing is begun after it. */
  givenUp: boolean;
  decision: Decision;
  events: readonly DefinitionEvent[];
}

export interface CommandsOptions {
  readonly catalog: Catalog;
  readonly log: EventLog;
  readonly subscription: LogSubscription;
  /** The one that the log is on. */
  bus(): OwnBus;
  /** Throws where the bus is known to be away. */
  checkBus(): void;
}

/** Carries intents out, one after the other: decided on the fold, appended, and folded before the answer. */
export class Commands {
  readonly #handler: CommandHandler<Execution>;
  /** Spans of appends under way, by event id. */
  readonly #spans = new Map<string, Span>();

  constructor(readonly options: CommandsOptions) {
    const { log, subscription } = options;
    this.#handler = createCommandHandler<Execution>({
      log: observed(log, this.#spans),
      subscription,
      decide: (execution) => this.#decide(execution),
      random: Math.random,
    });
  }

  /** Throws what the decision throws, `EventTooLarge`, and `BusUnavailable` after five seconds at the latest. */
  async execute(intent: Intent, origin: Origin): Promise<Outcome> {
    this.options.checkBus();
    const execution: Execution = {
      intent,
      origin,
      givenUp: false,
      decision: { events: [], before: undefined },
      events: [],
    };
    const handled = this.#handler.handle(execution).finally(() => this.#forget(execution.events));
    const { revisions } = await answered(handled, () => {
      execution.givenUp = true;
    });
    const recorded = execution.events.map((event, i): RecordedEvent => ({ ...event, revision: revisions[i] ?? 0 }));
    return outcomeOf(intent, execution.decision.before, recorded);
  }

  #decide(execution: Execution): Candidate[] {
    const { intent, origin } = execution;
    if (execution.givenUp) throw new BusUnavailable('the request was given up before its turn came');
    this.options.checkBus();
    this.#forget(execution.events);
    execution.decision = decideIntent(intent, this.options.catalog, this.options.bus());
    const at = Date.now();
    execution.events = execution.decision.events.map(({ kind, name, version, body }): DefinitionEvent => {
      const eventId = randomUUID();
      const span = startSpan('append', {
        parent: trace.setSpan(ROOT_CONTEXT, origin.span),
        attributes: { [attributes.kind]: kind, [attributes.definition]: name },
      });
      this.#spans.set(eventId, span);
      return { eventId, kind, name, version, at, actor: origin.actor, traceparent: headerOf(span), body };
    });
    return execution.events.map((event) => ({
      key: formatDefinitionKey(event),
      data: encodeEvent(event),
      eventId: event.eventId,
    }));
  }

  /** Ends what is left of a decision that was not appended. */
  #forget(events: readonly DefinitionEvent[]): void {
    for (const { eventId } of events) {
      this.#spans.get(eventId)?.end();
      this.#spans.delete(eventId);
    }
  }
}

/** The log, whose appends are measured by the spans that their events name. */
function observed(log: EventLog, spans: ReadonlyMap<string, Span>): EventLog {
  return {
    async append(request) {
      const span = spans.get(request.eventId);
      try {
        const revision = await log.append(request);
        span?.setAttribute(attributes.revision, revision);
        return revision;
      } catch (error) {
        if (span) recordError(span, error);
        throw error;
      } finally {
        span?.end();
      }
    },
    subscribe: (onEvent) => log.subscribe(onEvent),
    read: (key) => log.read(key),
    readRange: (fromRevision, limit) => log.readRange(fromRevision, limit),
    lastRevision: () => log.lastRevision(),
  };
}

/** Empty where nobody traces. */
function headerOf(span: Span): string {
  const header = traceparentOf(span);
  return parseTraceparent(header) ? header : '';
}

async function answered<T>(work: Promise<T>, giveUp: () => void): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeUp = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      giveUp();
      const message = `the bus did not confirm the write within ${answerWithinMs} ms; read the definition to see whether it was stored`;
      reject(new BusUnavailable(message));
    }, answerWithinMs);
  });
  try {
    return await Promise.race([work, timeUp]);
  } finally {
    clearTimeout(timer);
  }
}
