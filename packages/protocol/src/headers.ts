/** Header names on messages, spelled as they travel. */
export const headers = {
  /** Deduplication by JetStream. */
  messageId: 'Nats-Msg-Id',
  expectedLastSequence: 'Nats-Expected-Last-Sequence',
  expectedLastMessageId: 'Nats-Expected-Last-Msg-Id',
  expectedStream: 'Nats-Expected-Stream',
  expectedLastSubjectSequence: 'Nats-Expected-Last-Subject-Sequence',
  /** W3C Trace Context. */
  traceparent: 'traceparent',
  tracestate: 'tracestate',
  /** The pipeline that made an output message. */
  pipeline: 'Laminar-Pipeline',
  /** The revision of the definition that made an output message. */
  revision: 'Laminar-Revision',
  /** `stream:sequence` of the message that an output message came from. */
  source: 'Laminar-Source',
  /** `<index>/<count>`, from 0: which of the rows of that message it is; of pipelines that are the only writers of their stream. */
  row: 'Laminar-Row',
  /** On a dead letter: why, from where. */
  deadLetterError: 'Laminar-Error',
  deadLetterSubject: 'Laminar-Subject',
  /** On a dead letter: the incarnation of the definition that it is of. */
  incarnation: 'Laminar-Incarnation',
  /** On a dead letter: what the message said of itself, as JSON; `DeadLetterOrigin` without its subject. */
  origin: 'Laminar-Origin',
  /** On a copy of a dead letter: its id. */
  deadLetterId: 'Laminar-Dead-Letter',
  /** In the place of a dead letter: it was processed after all. */
  withdrawn: 'Laminar-Withdrawn',
} as const;
