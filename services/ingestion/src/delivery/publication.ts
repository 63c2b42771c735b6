import type { Message } from '@laminar/codecs';
import { ConnectorError, type OutputMessage } from '@laminar/connectors';
import { headers } from '@laminar/protocol';
import type { OutputRow } from '@laminar/sql';
import { recordError, traceparentOf } from '@laminar/telemetry';
import { startPublish } from './message-trace.js';
import type { RunningPipeline } from './pipeline.js';

type PublishSpan = ReturnType<typeof startPublish>;

export interface Publishing {
  readonly pipeline: RunningPipeline;
  readonly message: Message;
  readonly rows: readonly OutputRow[];
  readonly sourceIncarnation: string | undefined;
  /** Places of rows that are out already; undefined for none. */
  readonly published: ReadonlySet<number> | undefined;
  /** `traceparent` of the span that made the rows; undefined where the message is not traced. */
  readonly processed: string | undefined;
}

/** Publishes rows that nobody waits for. What went wrong with one of them; the others are out all the same. */
export function publishAtOnce(publishing: Publishing): unknown {
  const { pipeline, rows, processed } = publishing;
  const span = processed === undefined ? undefined : startPublish(pipeline, processed);
  let failure: unknown;
  for (let r = 0; r < rows.length; r++) {
    try {
      pipeline.output.publish(outputOf(publishing, r, span));
      pipeline.counters.messagesOut++;
    } catch (error) {
      if (span) recordError(span, error);
      failure = weightier(failure, error);
    }
  }
  span?.end();
  return failure;
}

/**
 * Publishes rows, and calls `ended` once all of them are confirmed or given up, with what went wrong with one of them. Where that is a sink that is
 * away, another row's own fault waits to be found again.
 */
export function publishConfirmed(publishing: Publishing, ended: (failure: unknown) => void): void {
  const { pipeline, rows, published, processed } = publishing;
  const span = processed === undefined ? undefined : startPublish(pipeline, processed);
  let open = unpublished(publishing);
  let failure: unknown;
  const closeOne = (error: unknown, wasThere = false) => {
    if (wasThere) pipeline.counters.duplicates++;
    if (error !== undefined) {
      if (span) recordError(span, error);
      failure = weightier(failure, error);
    } else pipeline.counters.messagesOut++;
    if (--open > 0) return;
    span?.end();
    ended(failure);
  };
  for (let r = 0; r < rows.length; r++) {
    if (published?.has(r)) continue;
    try {
      pipeline.output.publish(outputOf(publishing, r, span), closeOne, pipeline.publisher);
    } catch (error) {
      closeOne(error);
    }
  }
}

/** How many rows of a message are to be published. */
export function unpublished({ rows, published }: Pick<Publishing, 'rows' | 'published'>): number {
  return published === undefined ? rows.length : rows.filter((_, r) => !published.has(r)).length;
}

/** The row is no matter of the message but of the connection to its sink, and may be taken later. */
export const isBlocked = (error: unknown): error is ConnectorError =>
  error instanceof ConnectorError && error.steer === 'blocked';

function weightier(before: unknown, error: unknown): unknown {
  return before === undefined || (isBlocked(error) && !isBlocked(before)) ? error : before;
}

function outputOf(
  { pipeline, message, rows, sourceIncarnation }: Publishing,
  r: number,
  span: PublishSpan | undefined,
): OutputMessage {
  const row = rows[r] as OutputRow;
  const isPlain = !pipeline.durable && message.sequence === undefined && row.headers === undefined;
  const block = isPlain ? pipeline.headers : pipeline.headersOf(message, rows, r, sourceIncarnation);
  return {
    subject: row.subject ?? pipeline.subject,
    data: row.data,
    headers: span ? block.with(headers.traceparent, traceparentOf(span)) : block,
  };
}
