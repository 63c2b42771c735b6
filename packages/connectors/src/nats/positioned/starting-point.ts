import { type ConsumerConfig, DeliverPolicy } from '@nats-io/jetstream';
import type { Position } from '../../contract.js';
import type { StreamView } from './stream-view.js';

/** A stream as the server reports it now. */
export interface StreamFacts {
  /** Tells it from one of the same name made before or after. */
  readonly incarnation: string;
  /** Of the oldest message that it still has. */
  readonly firstSequence: number;
  readonly lastSequence: number;
}

/** Where in a stream reading begins, or goes on. */
export interface StartingPoint {
  readonly config: Pick<ConsumerConfig, 'deliver_policy'> & Partial<ConsumerConfig>;
  /** Messages up to this sequence are done with; undefined where the server decides by `config`. */
  readonly after: number | undefined;
  /** Up to this sequence only the newest message of each subject is wanted; 0 where all are. */
  readonly currentUntil: number;
  /** What was missed, or is read again, for people; undefined where all is as expected. */
  readonly remark: string | undefined;
}

/** Where reading begins: after the position, or where the definition says if there is none, or it is one of another stream. */
export function startingPoint(view: StreamView, stream: StreamFacts, position: Position | undefined): StartingPoint {
  if (position === undefined || position.source !== view.source) return firstStart(view.start, stream, undefined);
  const { what } = view;
  if (position.incarnation !== stream.incarnation) {
    const remark = `${what} was deleted and made again: it is read from its beginning`;
    // Whatever is in it came after reading had begun once.
    return firstStart(view.start.from === 'current' ? view.start : { from: 'all' }, stream, remark);
  }
  const { sequence, currentUntil } = position;
  if (sequence > stream.lastSequence) {
    const remark = `${what} has lost messages that were read already: it ends at ${stream.lastSequence}, before ${sequence}; what comes now is read`;
    return goOn(stream.lastSequence, 0, remark);
  }
  return goOn(sequence, currentUntil, removedRemark(view, sequence, stream));
}

/** Where reading goes on after `after`, in the same stream. */
export function goOn(after: number, currentUntil: number, remark: string | undefined): StartingPoint {
  if (after < currentUntil)
    return { config: { deliver_policy: DeliverPolicy.LastPerSubject }, after, currentUntil, remark };
  return {
    config: { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: after + 1 },
    after,
    currentUntil: 0,
    remark,
  };
}

/** That messages behind `after` were removed before they were read; undefined where none were, or where that is how the store works. */
export function removedRemark(
  view: StreamView,
  after: number,
  { firstSequence }: Pick<StreamFacts, 'firstSequence'>,
): string | undefined {
  if (view.start.from === 'current' || firstSequence <= after + 1) return undefined;
  const matching = view.filters.length === 0 ? '' : ', as far as they matched';
  return `messages ${after + 1} to ${firstSequence - 1} of ${view.what} were removed before they were read${matching}`;
}

function firstStart(start: StreamView['start'], stream: StreamFacts, remark: string | undefined): StartingPoint {
  const begin = (config: StartingPoint['config']): StartingPoint => ({
    config,
    after: undefined,
    currentUntil: 0,
    remark,
  });
  switch (start.from) {
    case 'current':
      return { ...goOn(0, stream.lastSequence, remark), currentUntil: stream.lastSequence };
    case 'all':
      return begin({ deliver_policy: DeliverPolicy.All });
    case 'new':
      return begin({ deliver_policy: DeliverPolicy.New });
    case 'last':
      return begin({ deliver_policy: DeliverPolicy.Last });
    case 'sequence':
      return begin({ deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: start.sequence });
    case 'time':
      return begin({
        deliver_policy: DeliverPolicy.StartTime,
        opt_start_time: new Date(start.atMs).toISOString(),
      });
  }
}
