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

/** Deleted messages at the end of a stream that are looked past. */
const lookBackMax = 10_000;

/** Reads the end of a stream: what is stored meanwhile comes behind it. Throws what the server answers. */
export async function readTail(jsm: JetStreamManager, stream: string): Promise<OutputTail> {
  const { last_seq: lastSequence, first_seq, messages } = (await jsm.streams.info(stream)).state;
  // Asked for the last one of any subject, nats-server 2.9 finds none where that was deleted.
  for (let seq = lastSequence; messages > 0 && seq >= first_seq; seq--) {
    if (lastSequence - seq >= lookBackMax)
      throw new Error(`its last ${lookBackMax} messages were deleted, before which nobody looks`);
    const last = await messageAt(jsm, stream, seq);
    if (last) return { lastSequence, last };
  }
  return { lastSequence, last: undefined };
}

async function messageAt(jsm: JetStreamManager, stream: string, seq: number): Promise<LastMessage | undefined> {
  try {
    const stored = await jsm.streams.getMessage(stream, { seq });
    if (!stored) return undefined;
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
