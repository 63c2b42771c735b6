import { BusUnavailable, type LogSubscription, RevisionConflict } from './contract.js';
import type { EventLog } from './event-log.js';

/** Decisions on one command before it is given up; each failed one means that someone else's append went first. */
const attemptsMax = 50;
const jitterMsMax = 10;
/** How long the fold may take to see what beat an append. */
const foldTimeoutMs = 2000;

/** An event to append. */
export interface Candidate {
  readonly key: string;
  readonly data: Uint8Array;
  readonly eventId: string;
}

export interface CommandHandlerOptions<C> {
  readonly log: EventLog;
  /** The subscription whose `onEvent` folds the state that `decide` looks at. */
  readonly subscription: LogSubscription;
  /** Pure: the events that the command comes to, given the state as it is folded now. May throw. */
  decide(command: C): readonly Candidate[];
  /** Between 0 and 1, for jitter. */
  random(): number;
}

export interface CommandHandler<C> {
  /** The positions of the command's events once the fold has taken them in. Throws what `decide` throws, and `BusUnavailable`. */
  handle(command: C): Promise<{ readonly revisions: readonly number[] }>;
}

/**
 * Handles commands one after the other: fold, decide, append at the position that the decision was made at; after a
 * conflict again. The queue keeps one process from conflicting with itself.
 */
export function createCommandHandler<C>(options: CommandHandlerOptions<C>): CommandHandler<C> {
  let tail: Promise<unknown> = Promise.resolve();
  return {
    handle(command) {
      const result = tail.then(() => handleOne(command, options));
      tail = result.catch(() => undefined);
      return result;
    },
  };
}

async function handleOne<C>(command: C, options: CommandHandlerOptions<C>): Promise<{ revisions: number[] }> {
  const { log, subscription, random } = options;
  for (let attempt = 1; ; attempt++) {
    const decidedAt = subscription.revision;
    const candidates = options.decide(command);
    const revisions: number[] = [];
    try {
      for (const candidate of candidates) {
        revisions.push(await log.append({ ...candidate, expectedRevision: revisions.at(-1) ?? decidedAt }));
      }
    } catch (error) {
      if (!(error instanceof RevisionConflict)) throw error;
      if (attempt === attemptsMax)
        throw new BusUnavailable(`others were first in ${attemptsMax} attempts; try again`, { cause: error });
      await fold(subscription, decidedAt + revisions.length + 1);
      await new Promise((resolve) => setTimeout(resolve, random() * jitterMsMax));
      continue;
    }
    const last = revisions.at(-1);
    if (last !== undefined) await fold(subscription, last);
    return { revisions };
  }
}

async function fold(subscription: LogSubscription, revision: number): Promise<void> {
  try {
    await subscription.reached(revision, foldTimeoutMs);
  } catch (error) {
    throw new BusUnavailable(error instanceof Error ? error.message : String(error), { cause: error });
  }
}
