import { headers } from '@laminar/protocol';
import type { ConnectionLog } from '../connection-log.js';
import type { OutputMessage, Settle, Sink } from '../contract.js';
import { ForwardingSink } from './forwarding-sink.js';

/** A sink that writes a line for each message that it takes: its subject, size and pipeline, and nothing of what it holds. */
export class LoggedSink extends ForwardingSink {
  constructor(
    sink: Sink,
    readonly log: ConnectionLog,
  ) {
    super(sink);
  }

  override publish(message: OutputMessage, settled?: Settle, publisher?: object): void {
    this.inner.publish(message, settled, publisher);
    this.log.write('trace', 'published', () => ({
      attributes: {
        subject: message.subject,
        size: message.data.length,
        pipeline: message.headers.find(headers.pipeline),
        source: message.headers.find(headers.source),
      },
      traceparent: message.headers.find(headers.traceparent),
    }));
  }
}
