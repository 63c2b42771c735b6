import { laminar, streams, subjects } from '@laminar/protocol';
import { JetStreamApiError, type JetStreamManager } from '@nats-io/jetstream';
import type { CounterRegistry } from '../delivery/counters.js';
import { Latency } from '../delivery/latency.js';

const messageNotFound = 10037;

/** Goes on from what this instance said last, when it ran before, so that its counters never go back. */
export async function restoreCounters(
  jsm: JetStreamManager,
  instance: string,
  counters: CounterRegistry,
): Promise<void> {
  for (let part = 0; ; part++) {
    const data = await lastMessage(jsm, subjects.metrics(instance, part));
    if (!data) return;
    const message = laminar.v1.InstanceMetrics.decode(data);
    for (const pipeline of message.pipelines) {
      counters.putPipeline({
        name: pipeline.name ?? '',
        incarnation: Number(pipeline.incarnation ?? 0),
        part,
        latency: new Latency(),
        messagesIn: Number(pipeline.messagesIn ?? 0),
        messagesOut: Number(pipeline.messagesOut ?? 0),
        errors: Number(pipeline.errors ?? 0),
        deadLetters: Number(pipeline.deadLetters ?? 0),
        duplicates: Number(pipeline.duplicates ?? 0),
        lastError: pipeline.lastError ?? '',
      });
    }
    for (const connection of message.connections) {
      counters.putConnection({
        name: connection.name ?? '',
        incarnation: Number(connection.incarnation ?? 0),
        part,
        messagesReceived: Number(connection.messagesReceived ?? 0),
        bytesReceived: Number(connection.bytesReceived ?? 0),
        messagesDropped: Number(connection.messagesDropped ?? 0),
        reconnects: Number(connection.reconnects ?? 0),
        exhausted: Number(connection.exhausted ?? 0),
      });
    }
  }
}

async function lastMessage(jsm: JetStreamManager, subject: string): Promise<Uint8Array | undefined> {
  try {
    return (await jsm.streams.getMessage(streams.metrics, { last_by_subj: subject }))?.data;
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === messageNotFound) return undefined;
    throw error;
  }
}
