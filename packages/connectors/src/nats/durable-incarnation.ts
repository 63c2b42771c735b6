import type { ConsumerInfo, StreamInfo } from '@nats-io/jetstream';
import type { Lineage } from './lineage.js';
import { incarnationSince, type PositionMemory } from './read-position.js';

export interface ReadByDurable {
  readonly memory: PositionMemory;
  readonly lineage: Pick<Lineage, 'seen'>;
  readonly stream: StreamInfo;
  /** That it is read by. */
  readonly consumer: Pick<ConsumerInfo, 'created'>;
}

/**
 * The incarnation of a stream that is read by a durable, as the readers before knew it, of this process or of any: the ids of rows are made of it, and must be the same for a message that is
 * delivered again. Throws `ConnectorError` where it cannot be asked how they knew it.
 */
export async function durableIncarnation({ memory, lineage, stream, consumer }: ReadByDurable): Promise<string> {
  const seen = memory.position === undefined ? await lineage.seen() : undefined;
  const known = seen?.source === stream.config.name ? seen : memory.position;
  return incarnationSince(known?.incarnation, stream, { consumer });
}
