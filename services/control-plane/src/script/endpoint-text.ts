import {
  type Catalog,
  type ConsumerSource,
  type ResolvedConnection,
  resolveConnection,
  type StartPosition,
} from '@laminar/definitions';

/** Where a connection reads or writes, for people: its name, and behind it what it is of. */
export function endpointText(name: string, catalog: Catalog): string {
  const record = catalog.get('connection', name);
  if (!record) return name;
  const { options } = record.definition;
  const format = options.format === undefined || options.format === 'json' ? [] : [`format ${String(options.format)}`];
  return `${name} (${[...placesOf(resolveConnection(name, record.definition)), ...format].join(', ')})`;
}

function placesOf(connection: ResolvedConnection): string[] {
  switch (connection.role) {
    case 'source-kv':
      return [`KV bucket ${connection.bucket}`, `keys ${connection.keys}`];
    case 'source-object':
      return [`object store ${connection.bucket}`];
    case 'source-core':
    case 'sink-core':
      return [`subject ${connection.subject}`];
    case 'sink-jetstream':
      return [
        ...(connection.streamName === undefined ? [] : [`stream ${connection.streamName}`]),
        `subject ${connection.subject}`,
      ];
    case 'source-pull':
    case 'source-push':
    case 'source-ordered': {
      const { streamName, filterSubjects } = connection;
      const subjects = filterSubjects.length === 1 ? 'subject' : 'subjects';
      return [
        `stream ${streamName}`,
        ...(filterSubjects.length === 0 ? [] : [`${subjects} ${filterSubjects.join(', ')}`]),
      ];
    }
  }
}

/** The kind of a source's reader and what makes it up, for people; undefined for a sink. */
export function readerText(name: string, catalog: Catalog): string | undefined {
  const record = catalog.get('connection', name);
  const connection = record && resolveConnection(name, record.definition);
  switch (connection?.role) {
    case 'source-core': {
      const { queueGroup } = connection;
      return queueGroup === undefined ? 'a subscription' : `a subscription in the queue group ${queueGroup}`;
    }
    case 'source-pull':
      return `a pull consumer, ${consumerText(connection)}`;
    case 'source-push':
      return `a push consumer, ${consumerText(connection)}`;
    case 'source-ordered':
      return `an ordered consumer, ${startText(connection.start)}: every message in the order of the stream, one instance at a time`;
    case 'source-kv':
      return 'a watch of the bucket: the newest entry of each key, then every change, one instance at a time';
    case 'source-object':
      return 'a watch of the object store: what describes each object, then every change, one instance at a time';
    default:
      return undefined;
  }
}

function consumerText({ consumer, start }: ConsumerSource): string {
  const kind = consumer.durable ? `the durable ${consumer.name}` : 'ephemeral';
  return `${kind}, acknowledging ${acknowledgements[consumer.ackPolicy]}, ${startText(start)}`;
}

const acknowledgements = {
  explicit: 'each message',
  all: 'up to a message',
  none: 'nothing',
} as const;

function startText(start: StartPosition): string {
  switch (start.from) {
    case 'all':
      return 'begun at the first message';
    case 'new':
      return 'begun with what comes after it was made';
    case 'last':
      return 'begun at the last message';
    case 'sequence':
      return `begun at sequence ${start.sequence}`;
    case 'time':
      return `begun at ${new Date(start.atMs).toISOString()}`;
  }
}
