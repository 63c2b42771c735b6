import type { JetStreamManager, StreamConfig } from '@nats-io/jetstream';
import { apiCodes, hasCode, isNotPermitted } from '../errors.js';
import type { StreamView } from './stream-view.js';

/** The filters for what a view reads of a stream: messages of a store that is a mirror have the subjects of its origin, whatever its own name is (NATS ADR-8). Throws what the client throws. */
export async function filtersIn(
  jsm: JetStreamManager,
  stream: StreamConfig,
  { filters, mirrored }: Pick<StreamView, 'filters' | 'mirrored'>,
): Promise<readonly string[]> {
  return stream.mirror && mirrored ? mirrored(await originOf(jsm, stream)) : filters;
}

/**
 * The stream by whose name the messages of a store go. A mirror may be one of another mirror; where the next one is out of reach (in another account or domain, gone, or
 * nothing of this user's) its name is all that is known.
 */
async function originOf(jsm: JetStreamManager, stream: StreamConfig): Promise<string> {
  const passed = new Set<string>();
  let current = stream;
  for (;;) {
    const { name, mirror } = current;
    // Whoever has subjects changed on the way does so to have the mirror's own name in them.
    if (!mirror || passed.has(name) || (mirror.subject_transforms ?? []).length > 0) return name;
    passed.add(name);
    if (mirror.external) return mirror.name;
    try {
      current = (await jsm.streams.info(mirror.name)).config;
    } catch (error) {
      if (hasCode(error, apiCodes.streamNotFound) || isNotPermitted(error)) return mirror.name;
      throw error;
    }
  }
}
