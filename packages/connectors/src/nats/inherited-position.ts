import { hasDurable, isPositioned } from '@laminar/definitions';
import type { ConsumerInfo, JetStreamManager } from '@nats-io/jetstream';
import type { Position, PositionStore } from '../contract.js';
import { type Maker, madeFor } from './consumer-config.js';
import { apiCodes, hasCode, isNotPermitted } from './errors.js';
import type { Lineage } from './lineage.js';
import { viewOf } from './positioned/stream-view.js';
import { floorOf, incarnationOf } from './read-position.js';
import { standInName } from './stand-in.js';

export interface Heir {
  readonly jsm: JetStreamManager;
  readonly maker: Maker;
  readonly lineage: Lineage;
  /** That is read now. */
  readonly streamName: string;
}

/** How far a stream was read by the definition before its means of reading were changed; undefined where there were no other means, or nothing of them is left. */
export async function inheritedPosition(heir: Heir): Promise<Position | undefined> {
  for (const form of heir.lineage.predecessors()) {
    let position: Position | undefined;
    if (hasDurable(form)) {
      const { jsm, maker } = heir;
      position =
        (await durablePosition(jsm, form.streamName, form.consumer.name, madeFor(maker))) ??
        (await durablePosition(jsm, form.streamName, standInName(form), madeFor(maker)).catch((error) => {
          // Who may not ask for it has made none.
          if (isNotPermitted(error)) return undefined;
          throw error;
        }));
    } else if (isPositioned(form)) {
      const kept = await heir.lineage.position();
      if (kept?.source === viewOf(form).source) position = kept;
    }
    if (position?.source === heir.streamName) return position;
  }
  return undefined;
}

/** How far the readers of a durable have come that was made for `mark`; undefined where there is none. */
export async function durablePosition(
  jsm: JetStreamManager,
  stream: string,
  name: string,
  mark: string,
): Promise<Position | undefined> {
  let consumer: ConsumerInfo;
  try {
    consumer = await jsm.consumers.info(stream, name);
    if (consumer.config.description !== mark) return undefined;
    const incarnation = incarnationOf(await jsm.streams.info(stream));
    return { source: stream, incarnation, sequence: floorOf(consumer), currentUntil: 0 };
  } catch (error) {
    if (hasCode(error, apiCodes.consumerNotFound) || hasCode(error, apiCodes.streamNotFound)) return undefined;
    throw error;
  }
}

/** Why a source that was read by other means before does not go on where it was; undefined where there were none. */
export function notInherited({ lineage, streamName }: Pick<Heir, 'lineage' | 'streamName'>): string | undefined {
  const [before] = lineage.predecessors();
  if (before === undefined || !(hasDurable(before) || isPositioned(before))) return undefined;
  const { source } = hasDurable(before) ? { source: before.streamName } : viewOf(before);
  return source === streamName
    ? `how far the stream "${streamName}" was read before the definition was changed is not known; it is read from where the option start says`
    : `it read "${source}" before the definition was changed; the stream "${streamName}" is read from where the option start says`;
}

/** A store whose reader, where it finds nothing, goes on where the definition was read by other means. */
export function inheriting(store: PositionStore, inherit: () => Promise<Position | undefined>): PositionStore {
  return {
    load: async () => (await store.load()) ?? (await inherit()),
    save: (position) => store.save(position),
  };
}
