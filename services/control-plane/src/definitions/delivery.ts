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

const order: readonly Delivery['guarantee'][] = ['at_most_once', 'at_least_once', 'exactly_once'];

/** The weakest guarantee of all connections that a query reads. */
export function deliveryOf(query: BoundQuery, catalog: Catalog): Delivery {
  const all = query.connections.map((connection) => deliveryFrom(connection, query, catalog));
  return all.reduce((weakest, next) =>
    order.indexOf(next.guarantee) < order.indexOf(weakest.guarantee) ? next : weakest,
  );
}

function deliveryFrom(connection: string, query: BoundQuery, catalog: Catalog): Delivery {
  const usesJetStream = (name: string | undefined) =>
    name !== undefined && catalog.get('connection', name)?.definition.options.jetstream === true;
  if (!usesJetStream(connection)) {
    return {
      guarantee: 'at_most_once',
      because: `"${connection}" reads without JetStream, so the server keeps nothing that could be delivered again`,
    };
  }
  const source = resolved(connection, catalog);
  if (source && hasDurable(source) && source.consumer.ackPolicy === 'none') {
    return {
      guarantee: 'at_most_once',
      because: `"${connection}" acknowledges nothing, so that for the server a message is done when it is sent`,
    };
  }
  if (!usesJetStream(query.sink)) {
    return {
      guarantee: 'at_least_once',
      because: `${settling(source, 'flushed')}; without JetStream the output cannot tell a row that it has seen`,
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
    because: `${settling(source, 'confirmed')}; the output stream drops a row that it has seen, by the row's message id, within its duplicate window (2 minutes unless its settings say otherwise): a row that was published and not yet settled when an instance died comes twice if that window is over before the message is processed again`,
  };
}

/** When a message is done, and what follows; `done` is what becomes of its rows before. */
function settling(source: ResolvedConnection | undefined, done: 'flushed' | 'confirmed'): string {
  return source && isPositioned(source)
    ? `the position of the reader moves on after the rows of a message were ${done}, and what lies behind it is read again after a crash`
    : `a message is acknowledged after its rows were ${done}, and delivered again after a crash`;
}

function resolved(connection: string, catalog: Catalog): ResolvedConnection | undefined {
  const record = catalog.get('connection', connection);
  return record && resolveConnection(connection, record.definition);
}
