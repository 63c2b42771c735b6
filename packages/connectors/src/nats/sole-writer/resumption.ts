import { type Beginning, ConnectorError, type Position } from '../../contract.js';
import { type OutputTail, placeOf, type RowPlace } from './output-tail.js';

/** Where a pipeline goes on. */
export interface Resumption {
  /** Rows up to there are stored. */
  readonly place: RowPlace;
  /** Behind which its source is read: before the message of the last row, where that gives more of them. */
  readonly position: Position;
}

/**
 * Where a pipeline goes on by the end of its output stream; undefined where nothing of it is there. Throws `ConnectorError` where somebody else has written, or where
 * the rest of a message's rows would be those of another query.
 */
export async function resumptionOf(
  { tail, stream, writer }: { readonly tail: OutputTail; readonly stream: string; readonly writer: string },
  { kept, createdAtMs, gaveSameRows }: Beginning,
): Promise<Resumption | undefined> {
  const { last } = tail;
  if (last === undefined) return undefined;
  const place = placeOf(last.id, writer);
  if (!place) {
    if (kept && last.atMs > createdAtMs) throw foreignWriter(stream, last.streamSequence);
    return undefined;
  }
  const { incarnation, sequence } = place;
  const [index, count] = last.row.split('/').map(Number);
  // The other rows of a message that is done could not be stored.
  const isDone = kept?.incarnation === incarnation && kept.sequence >= sequence;
  const isWhole = isDone || (index !== undefined && index + 1 === count);
  if (!isWhole && !(await gaveSameRows(Number(last.revision)))) throw halfDone(sequence, last.revision);
  const source = last.source.slice(0, last.source.lastIndexOf(':'));
  const position = { source, incarnation, sequence: isWhole ? sequence : sequence - 1, currentUntil: 0 };
  // Another query may give a message that is done more rows: it is done all the same.
  return { place: isWhole ? { ...place, row: Number.MAX_SAFE_INTEGER } : place, position };
}

/** The rows of one message are those of one query. */
const halfDone = (sequence: number, revision: string): ConnectorError =>
  new ConnectorError(
    'failed',
    `only some of the rows of message ${sequence} are published, by the pipeline as it was at revision ${revision}, and the query of now may give others: roll the pipeline back to the version of that revision, and change it again when it runs`,
  );

export const foreignWriter = (stream: string, sequence: number): ConnectorError =>
  new ConnectorError(
    'failed',
    `somebody else has written message ${sequence} to the stream "${stream}", of which the pipeline has to be the only writer: stop that writer and delete its messages, or leave reader = 'own' out`,
  );
