/** Header names on messages, spelled as they travel. */
export const headers = {
  /** Deduplication by JetStream. */
  messageId: 'Nats-Msg-Id',
  expectedLastSequence: 'Nats-Expected-Last-Sequence',
  /** W3C Trace Context. */
  traceparent: 'traceparent',
  tracestate: 'tracestate',
  /** The pipeline that made an output message. */
  pipeline: 'Laminar-Pipeline',
  /** The revision of the definition that made an output message. */
  revision: 'Laminar-Revision',
  /** `stream:sequence` of the message that an output message came from. */
  source: 'Laminar-Source',
  /** On a dead letter: why, from where. */
  deadLetterError: 'Laminar-Error',
  deadLetterSubject: 'Laminar-Subject',
} as const;
