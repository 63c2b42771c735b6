import {
  type Catalog,
  hasDurable,
  isPositioned,
  type ResolvedConnection,
  resolveConnection,
} from '@laminar/definitions';
import type { BoundQuery } from '@laminar/sql';

/** How often a row reaches its destination, and why. */
export interface Delivery {
  readonly guarantee: 'at_most_once' | 'at_least_once' | 'exactly_once';
  readonly because: string;
}

export function deliveryOf(query: BoundQuery, catalog: Catalog): Delivery {
  const usesJetStream = (connection: string | undefined) =>
    connection !== undefined && catalog.get('connection', connection)?.definition.options.jetstream === true;
  if (!usesJetStream(query.connection)) {
    return {
      guarantee: 'at_most_once',
      because: `"${query.connection}" reads without JetStream, so the server keeps nothing that could be delivered again`,
    };
  }
  const source = resolved(query.connection, catalog);
  const keepsPosition = source !== undefined && isPositioned(source);
  if (source && hasDurable(source) && source.consumer.ackPolicy === 'none') {
    return {
      guarantee: 'at_most_once',
      because: `"${query.connection}" acknowledges nothing, so that for the server a message is done when it is sent`,
    };
  }
  if (!usesJetStream(query.sink)) {
    const again = keepsPosition
      ? 'the mesh keeps the position, which moves on when the rows of a message were flushed, so that the last ones are read again after a crash'
      : 'a message is acknowledged after its rows were flushed, and delivered again after a crash';
    return {
      guarantee: 'at_least_once',
      because: `${again}; without JetStream the output cannot tell a row that it has seen`,
    };
  }
  if (!query.deterministic) {
    const why = query.readsDelivered
      ? 'it reads _nats_delivered'
      : `it calls ${query.asks[0] ?? 'a function such as NOW()'}`;
    return {
      guarantee: 'at_least_once',
      because: `evaluating a message again may give other rows, as ${why}; so the output stream cannot tell a repeated row`,
    };
  }
  return {
    guarantee: 'exactly_once',
    because: "the output stream drops a row that it has seen within its duplicate window, by the row's message id",
  };
}

function resolved(connection: string, catalog: Catalog): ResolvedConnection | undefined {
  const record = catalog.get('connection', connection);
  return record && resolveConnection(connection, record.definition);
}
