import { headers } from '@laminar/protocol';
import type { OutputHistory, OutputMessage } from '../contract.js';

/** The clocks of this process and of the servers may differ by that much. */
const clockMarginMs = 30_000;

/**
 * Which of these messages are stored since a time in Unix milliseconds, `agoMs` ago, by their ids; none is looked for in a stream that refuses by itself what was stored
 * so lately. Throws `ConnectorError`.
 */
export async function storedIds(
  history: OutputHistory,
  messages: readonly OutputMessage[],
  { sinceMs, agoMs }: { readonly sinceMs: number; readonly agoMs: number },
): Promise<ReadonlySet<string>> {
  const wanted = new Set<string>();
  const subjects = new Set<string>();
  for (const message of messages) {
    const id = message.headers.find(headers.messageId);
    if (id === undefined) continue;
    wanted.add(id);
    subjects.add(message.subject);
  }
  const streams = new Set(await Promise.all([...subjects].map((subject) => history.streamOf(subject))));
  const [only, ...others] = subjects;
  const subject = others.length === 0 ? only : undefined;
  const stored = new Set<string>();
  for (const stream of streams) {
    if (stream === undefined || agoMs < (await history.duplicateWindowMs(stream)) / 2) continue;
    await history.read({ stream, subject, sinceMs: sinceMs - clockMarginMs }, (found) => {
      const id = found.header(headers.messageId);
      if (id !== undefined && wanted.has(id)) stored.add(id);
    });
  }
  return stored;
}
