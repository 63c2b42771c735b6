/** What the reference says of each metadata column. */
export const metadataNotes: { readonly [column: string]: string } = {
  _nats_subject: 'The subject that the message came on.',
  _nats_reply: 'Where a reply is waited for; NULL where none is, and with JetStream.',
  _nats_headers: 'A JSON object, each name with an array of strings; NULL without headers.',
  _nats_timestamp: 'With JetStream when the message was stored, else when it was received.',
  _nats_sequence: 'JetStream: the number of the message in its stream. Else NULL.',
  _nats_stream: 'JetStream: the name of the stream. Else NULL.',
  _nats_consumer: 'JetStream: the name of the consumer. Else NULL.',
  _nats_delivered: 'JetStream: how often the message was delivered, 1 the first time. Else NULL.',
};
