import { type Catalog, hasOwnReader, isSoleWriter } from '@laminar/definitions';
import { BusUnavailable } from '@laminar/event-store';
import {
  type DeadLetter,
  type DeadLetterRetried,
  type DeadLetterRetry,
  deadLetterRetryTimeoutMs,
  isDeadLetterId,
  readDeadLetter,
  streams,
  subjects,
} from '@laminar/protocol';
import { JetStreamApiError, jetstreamManager, type StoredMsg } from '@nats-io/jetstream';
import { type NatsConnection, NoRespondersError, RequestError, TimeoutError } from '@nats-io/nats-core';
import { runningPipelinesOver } from '../definitions/warnings.js';
import { Refusal } from '../refusal.js';

/** Codes of the JetStream API: no such message, and no such stream, as before the first ingestion process ever ran. */
const nothingThere: ReadonlySet<number> = new Set([10037, 10059]);
const retryAfter = { headers: { 'retry-after': '1' } } as const;

/** A dead letter as the bus keeps it. */
export interface KeptDeadLetter {
  readonly letter: DeadLetter;
  readonly payload: Uint8Array;
  /** Place in the stream of dead letters, where each version of a letter has another. */
  readonly sequence: number;
  /** Unix milliseconds. */
  readonly keptAtMs: number;
}

/** Dead letters from a place in their stream on, at most `limit`, oldest first, and the place after the last. Throws `BusUnavailable`. */
export async function listDeadLetters(
  nc: NatsConnection,
  from: number,
  limit: number,
): Promise<{ readonly letters: KeptDeadLetter[]; readonly next: number | undefined }> {
  const letters: KeptDeadLetter[] = [];
  for (let seq = from; ; ) {
    const stored = await read(nc, { seq, next_by_subj: subjects.everyDeadLetter });
    if (!stored) return { letters, next: undefined };
    if (letters.length === limit) return { letters, next: stored.seq };
    const kept = keptOf(stored);
    if (kept) letters.push(kept);
    seq = stored.seq + 1;
  }
}

/** Throws a `Refusal` where there is none of that id, and `BusUnavailable`. */
export async function findDeadLetter(nc: NatsConnection, id: string): Promise<KeptDeadLetter> {
  const stored = isDeadLetterId(id) ? await read(nc, { last_by_subj: subjects.deadLetter(id) }) : undefined;
  const kept = stored && keptOf(stored);
  if (!kept) throw nothingOf(id);
  return kept;
}

/**
 * Has a dead letter processed again by whoever reads its connection, or by the pipeline by whose own reader it came. Throws a `Refusal` where there is none,
 * where its pipeline is gone, stopped, or the only writer of its stream, where no pipeline reads its connection, or where nobody is there to do it, and `BusUnavailable`.
 */
export async function retryDeadLetter(
  nc: NatsConnection,
  catalog: Catalog,
  id: string,
): Promise<DeadLetterRetried & { readonly outcome: 'processed' | 'failed' }> {
  const { letter } = await findDeadLetter(nc, id);
  checkRetryable(letter, catalog);
  const answer = await ask(nc, letter, ownerOf(letter, catalog));
  if (answer.outcome === 'gone') throw nothingOf(id);
  if (answer.outcome === 'not_running') throw new Refusal('not_running', answer.reason, retryAfter);
  return answer;
}

function checkRetryable({ connection, pipeline, incarnation }: DeadLetter, catalog: Catalog): void {
  const refuse = (why: string) => new Refusal('not_retryable', `nothing can process it: ${why}`);
  const kind = pipeline === undefined ? 'connection' : 'pipeline';
  const name = pipeline ?? connection;
  const record = catalog.get(kind, name);
  if (!record) throw refuse(`the ${kind} "${name}" was dropped`);
  if (record.incarnation !== incarnation)
    throw refuse(`the ${kind} "${name}" was dropped, and the one of that name now is another`);
  if (pipeline !== undefined && catalog.get('pipeline', pipeline)?.definition.desired === 'stopped')
    throw refuse(`the pipeline "${pipeline}" is stopped; start it, and try again`);
  if (pipeline !== undefined && isSoleWriter(catalog.get('pipeline', pipeline)?.definition.options ?? {}))
    throw refuse(
      `the pipeline "${pipeline}" publishes in the order of its source as the only writer of its stream, into which nothing can be put afterwards`,
    );
  const sharing = runningPipelinesOver({ kind: 'connection', name: connection }, catalog).filter(
    ({ definition }) => !hasOwnReader(definition.options),
  );
  if (pipeline === undefined && sharing.length === 0)
    throw refuse(`no running pipeline shares the reader of the connection "${connection}"; start one, and try again`);
}

/** The pipeline by whose own reader the message came; undefined where it came by the connection's. */
function ownerOf({ pipeline }: DeadLetter, catalog: Catalog): string | undefined {
  const record = pipeline === undefined ? undefined : catalog.get('pipeline', pipeline);
  return record && hasOwnReader(record.definition.options) ? record.name : undefined;
}

async function ask(
  nc: NatsConnection,
  { id, connection }: DeadLetter,
  owner: string | undefined,
): Promise<DeadLetterRetried> {
  const request: DeadLetterRetry = { id };
  try {
    const timeout = deadLetterRetryTimeoutMs;
    const answer = await nc.request(subjects.deadLetterRetry(connection, owner), JSON.stringify(request), { timeout });
    return answer.json<DeadLetterRetried>();
  } catch (error) {
    if (error instanceof NoRespondersError || (error instanceof RequestError && error.isNoResponders()))
      throw new Refusal('not_running', `no instance reads the connection "${connection}" at the moment`, {
        ...retryAfter,
        cause: error,
      });
    if (error instanceof TimeoutError)
      throw new Refusal(
        'retry_timeout',
        `it was not processed within ${deadLetterRetryTimeoutMs} ms; it may still be`,
        {
          cause: error,
        },
      );
    throw unavailable(error);
  }
}

type Query = { readonly seq: number; readonly next_by_subj: string } | { readonly last_by_subj: string };

async function read(nc: NatsConnection, query: Query): Promise<StoredMsg | undefined> {
  try {
    const jsm = await jetstreamManager(nc, { checkAPI: false });
    // Not a direct get: nobody would answer it for a stream that does not exist.
    return (await jsm.streams.getMessage(streams.deadLetters, query)) ?? undefined;
  } catch (error) {
    if (error instanceof JetStreamApiError && nothingThere.has(error.code)) return undefined;
    throw unavailable(error);
  }
}

/** Undefined where the letter of this id was withdrawn, or is none that can be read. */
function keptOf(stored: StoredMsg): KeptDeadLetter | undefined {
  try {
    const letter = readDeadLetter(stored.subject, (name) => stored.header.get(name) || undefined);
    return letter && { letter, payload: stored.data, sequence: stored.seq, keptAtMs: stored.time.getTime() };
  } catch {
    // The query service, which reads all of them, says so in its log.
    return undefined;
  }
}

const nothingOf = (id: string): Refusal =>
  new Refusal('dead_letter_not_found', `there is no dead letter "${id}"; one that was processed is gone`);

const unavailable = (error: unknown): BusUnavailable =>
  new BusUnavailable(`the bus does not answer: ${error instanceof Error ? error.message : String(error)}`, {
    cause: error,
  });
