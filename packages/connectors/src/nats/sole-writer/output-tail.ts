import { headers } from '@laminar/protocol';
import type { JetStreamManager } from '@nats-io/jetstream';
import { apiCodes, hasCode } from '../errors.js';

/** A row's place in the order of what a pipeline writes: by the message that it came from, and which row of it. */
export interface RowPlace {
  /** Of the source stream: when it was created, in base 36. */
  readonly incarnation: string;
  readonly sequence: number;
  readonly row: number;
}

/** The newest message that a stream still holds. */
export interface LastMessage {
  readonly streamSequence: number;
  readonly atMs: number;
  /** Its `Nats-Msg-Id`; empty where it has none. */
  readonly id: string;
  /** `stream:sequence` of what it came from; empty where it does not say. */
  readonly source: string;
  readonly revision: string;
  /** `<index>/<count>` of the rows of that message; empty where it does not say. */
  readonly row: string;
}

/** The end of an output stream. */
export interface OutputTail {
  /** That the next message has to name as the one before it; also where that one is gone. */
  readonly lastSequence: number;
  readonly last: LastMessage | undefined;
}

/** Of another stream a row says nothing: whichever was created first, it may be the one that is read now. */
export function isBehind(a: RowPlace, b: RowPlace): boolean {
  if (a.incarnation !== b.incarnation) return true;
  return a.sequence > b.sequence || (a.sequence === b.sequence && a.row > b.row);
}

/** The place of a row, out of the message id `<writer>.<incarnation>.<sequence>.<row>`; undefined for ids of others. */
export function placeOf(id: string, writer: string): RowPlace | undefined {
  if (!id.startsWith(`${writer}.`)) return undefined;
  const [incarnation, sequence, row, ...rest] = id.slice(writer.length + 1).split('.');
  if (incarnation === undefined || rest.length > 0 || !isNumber(sequence) || !isNumber(row)) return undefined;
  return { incarnation, sequence: Number(sequence), row: Number(row) };
}

const isNumber = (text: string | undefined): text is string => text !== undefined && /^\d{1,16}$/.test(text);

/** Reads the end of a stream: what is stored meanwhile comes behind it. Throws what the server answers. */
export async function readTail(jsm: JetStreamManager, stream: string): Promise<OutputTail> {
  const { last_seq: lastSequence, first_seq, messages } = (await jsm.streams.info(stream)).state;
  const last = messages > 0 ? await newestMessage(jsm, stream, first_seq, lastSequence) : undefined;
  return { lastSequence, last };
}

/**
 * The newest message from `first` to `last`; undefined where all were deleted. A server (2.9 to 2.12) finds no last one where the stream's very last was deleted, but it does find the next
 * one from a sequence on: so the search goes back from the end in steps that double, and halves what is left. That takes two requests for each doubling of the hole, a hundred for any.
 */
async function newestMessage(
  jsm: JetStreamManager,
  stream: string,
  first: number,
  last: number,
): Promise<LastMessage | undefined> {
  /** From there on is nothing. */
  let end = last + 1;
  let found: LastMessage | undefined;
  for (let step = 1; !found && end > first; step *= 2) {
    const from = Math.max(first, last + 1 - step);
    found = await nextMessage(jsm, stream, from, last);
    if (!found) end = from;
  }
  while (found && found.streamSequence + 1 < end) {
    const middle = Math.floor((found.streamSequence + 1 + end) / 2);
    const next = await nextMessage(jsm, stream, middle, last);
    if (next) found = next;
    else end = middle;
  }
  return found;
}

/** The first message from `from` to `last`; undefined where there is none. */
async function nextMessage(
  jsm: JetStreamManager,
  stream: string,
  from: number,
  last: number,
): Promise<LastMessage | undefined> {
  try {
    // The client's type has either of them; the server takes both.
    const query = { seq: from, next_by_subj: '>' };
    const stored = await jsm.streams.getMessage(stream, query);
    if (!stored || stored.seq > last) return undefined;
    const header = (name: string) => stored.header?.get(name) ?? '';
    return {
      streamSequence: stored.seq,
      atMs: stored.time.getTime(),
      id: header(headers.messageId),
      source: header(headers.source),
      revision: header(headers.revision),
      row: header(headers.row),
    };
  } catch (error) {
    if (hasCode(error, apiCodes.messageNotFound)) return undefined;
    throw error;
  }
}
