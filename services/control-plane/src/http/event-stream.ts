import { type Changes, until } from '../state/changes.js';

/** Comments that keep proxies and clients from giving up on a quiet stream. */
const heartbeatIntervalMs = 15_000;
/** Events read ahead of what the client has taken. */
const batchSize = 100;

/** One server-sent event. */
export interface StreamEvent {
  readonly id: number;
  readonly data: object;
}

export interface FollowOptions {
  /** The first event that is wanted, by its id. */
  readonly from: number;
  readonly signal: AbortSignal;
  readonly changes: Changes;
  /** Id of the newest event that there is. */
  newest(): number;
  /** Events from an id on, at most `limit`, in order; fewer while the source is away. */
  read(from: number, limit: number): Promise<readonly StreamEvent[]>;
}

/**
 * Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html), the past first and then as they come,
 * until `signal` aborts. Reads from the source as fast as the client takes, so that a slow client costs one batch of memory.
 */
export async function* follow(options: FollowOptions): AsyncGenerator<string> {
  const { signal, changes } = options;
  let next = options.from;
  // The first bytes send the head of the answer on its way.
  yield `: events from ${next} on\n\n`;
  while (!signal.aborted) {
    const events = options.newest() >= next ? await options.read(next, batchSize) : [];
    for (const { id, data } of events) {
      yield `id: ${id}\ndata: ${JSON.stringify(data)}\n\n`;
      next = id + 1;
    }
    if (events.length > 0) continue;
    const seen = options.newest();
    const isNews = () => options.newest() >= next && options.newest() !== seen;
    if ((await until(changes, isNews, { timeoutMs: heartbeatIntervalMs, signal })) === 'timeout')
      yield ': still here\n\n';
  }
}
