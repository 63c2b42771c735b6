import { DecodeError, type MessageCodec } from '@laminar/codecs';
import { ConnectorError, type OutputMessage, within } from '@laminar/connectors';
import { type DeadLetterRetried, deadLetterRetryTimeoutMs } from '@laminar/protocol';
import { type DecodedMessage, decodedMessage } from '@laminar/sql';
import { rowsOf } from '../delivery/awaited-evaluations.js';
import { reasonOf } from '../delivery/failures.js';
import type { RunningPipeline } from '../delivery/pipeline.js';
import type { Repeats } from '../delivery/repeats/repeats.js';
import type { DeadLetters, KeptDeadLetter } from './dead-letters.js';
import { LetterMessage } from './letter-message.js';
import type { SlotDeadLetters } from './slot-dead-letters.js';

/** Rows that are not confirmed by then count as failed: whoever asked wants an answer. */
const confirmTimeoutMs = deadLetterRetryTimeoutMs / 2;

export interface RetryOptions {
  readonly deadLetters: DeadLetters;
  readonly slotLetters: SlotDeadLetters;
  readonly codec: MessageCodec;
  /** Looks which rows were published before the message became a letter. */
  readonly repeats: Pick<Repeats, 'find'>;
  /** The pipelines that run now by the reader that the letter's message came by. */
  readonly pipelines: readonly RunningPipeline[];
}

/**
 * Processes a dead letter's message once more, by the pipeline that failed as it is now, or where none had seen it by all that share its reader.
 * Done, the letter is withdrawn; failed again, it stands with the new error.
 */
export async function retryDeadLetter(kept: KeptDeadLetter, options: RetryOptions): Promise<DeadLetterRetried> {
  const { letter, payload } = kept;
  const { deadLetters, slotLetters, codec, repeats, pipelines } = options;
  const concerned =
    letter.pipeline === undefined
      ? pipelines
      : pipelines.filter(({ spec }) => spec.name === letter.pipeline && spec.incarnation === letter.incarnation);
  const [first] = concerned;
  if (!first) return { outcome: 'not_running', reason: 'its pipeline does not run at the moment' };
  const alone = concerned.find(({ spec }) => spec.sink?.soleWriter !== undefined);
  if (alone)
    return {
      outcome: 'not_running',
      reason: `"${alone.spec.name}" publishes in the order of its source as the only writer of its stream, into which nothing can be put afterwards`,
    };
  const message = new LetterMessage(letter.origin, payload);
  const decoded = decodedMessage(message, codec);
  const undecodable = whyUndecodable(decoded);
  if (undecodable !== undefined) {
    const { definitionRevision } = slotLetters.letterOf({ pipeline: undefined, message, error: undecodable });
    await keep(deadLetters, { ...letter, definitionRevision, error: undecodable }, payload);
    return { outcome: 'failed', error: undecodable };
  }
  const outcomes = await Promise.all(concerned.map((pipeline) => processBy(pipeline, decoded, message, repeats)));
  const failed = outcomes.flatMap((outcome) => ('error' in outcome ? [outcome] : []));
  const [blocked] = failed.filter(({ isBlocked }) => isBlocked);
  // No fault of the message: the letter stands as it is.
  if (blocked && concerned.length === 1) return { outcome: 'not_running', reason: blocked.error };
  for (const { pipeline, error } of failed) {
    const { spec } = pipeline;
    // What none had seen before is from now on a matter of those that fail at it.
    const own = slotLetters.letterOf({ pipeline: spec, message, error });
    const id = letter.pipeline === undefined ? own.id : letter.id;
    await keep(deadLetters, { ...own, id, origin: letter.origin }, payload);
  }
  if (failed.length === 0 || letter.pipeline === undefined) await deadLetters.withdraw(kept);
  if (failed.length > 0)
    return {
      outcome: 'failed',
      error: failed.map(({ pipeline, error }) => `${pipeline.spec.name}: ${error}`).join('; '),
    };
  return {
    outcome: 'processed',
    rows: outcomes.reduce((sum, outcome) => sum + ('rows' in outcome ? outcome.rows : 0), 0),
  };
}

type Processed =
  | { readonly rows: number }
  | { readonly pipeline: RunningPipeline; readonly error: string; readonly isBlocked: boolean };

/** Evaluates the message and waits until its rows are confirmed. */
async function processBy(
  pipeline: RunningPipeline,
  decoded: DecodedMessage,
  message: LetterMessage,
  repeats: RetryOptions['repeats'],
): Promise<Processed> {
  const { counters, query, awaited } = pipeline;
  try {
    const rows = awaited ? rowsOf(await awaited.outcomeOf(decoded)) : query.process(decoded);
    const incarnation = message.origin.stored?.streamIncarnation;
    const finding = await repeats.find(pipeline, decoded, pipeline.familyOf(incarnation));
    if (!finding) throw new ConnectorError('blocked', 'the output does not say which rows of the message it has');
    const outputs = rows.map((row, r) => ({
      subject: row.subject ?? pipeline.subject,
      data: row.data,
      headers: pipeline.headersOf(message, rows, r, incarnation),
    }));
    const missing = outputs.filter((_, r) => !finding.published?.has(r));
    await publishAll(pipeline, missing);
    counters.messagesOut += missing.length;
    return { rows: missing.length };
  } catch (error) {
    counters.errors++;
    counters.lastError = reasonOf(error);
    const isBlocked = error instanceof ConnectorError && error.steer === 'blocked';
    return { pipeline, error: counters.lastError, isBlocked };
  }
}

/** Resolves when every message is confirmed. Throws the `ConnectorError` of the first that is not. */
async function publishAll({ sink, publisher }: RunningPipeline, outputs: readonly OutputMessage[]): Promise<void> {
  let unconfirmed = outputs.length;
  const confirmed = Promise.all(
    outputs.map(
      (output) =>
        new Promise<void>((resolve, reject) => {
          const settled = (error?: unknown) => {
            unconfirmed--;
            if (error) reject(error);
            else resolve();
          };
          try {
            sink.publish(output, settled, publisher);
          } catch (error) {
            settled(error);
          }
        }),
    ),
  );
  sink.flush();
  await within(confirmTimeoutMs, confirmed);
  if (unconfirmed > 0)
    throw new ConnectorError(
      'blocked',
      `${unconfirmed} rows were not confirmed in time: ${sink.problem ?? 'the sink is slow'}`,
    );
  await confirmed;
}

function whyUndecodable(decoded: DecodedMessage): string | undefined {
  try {
    decoded.check();
    return undefined;
  } catch (error) {
    if (error instanceof DecodeError) return error.message;
    throw error;
  }
}

/** Resolves when the letter is kept. */
function keep(deadLetters: DeadLetters, letter: KeptDeadLetter['letter'], payload: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    deadLetters.keep(letter, payload, (error) => (error ? reject(error) : resolve()));
  });
}
