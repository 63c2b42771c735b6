import type { Catalog } from '../catalog.js';
import { hasDurable, isPositioned } from '../connection/positioned.js';
import { type ResolvedConnection, resolveConnection } from '../connection/resolve.js';
import type { Options } from '../option-value.js';
import { type Guarantee, guarantees } from './options.js';
import { isSoleWriter, ownReaderRefusal, ownReading } from './own-reader.js';
import { soleWriterRefusal } from './sole-writer.js';

/** What a bound query tells of how often its rows can reach their destination. */
export interface QueryTraits {
  /** The source connections that it reads. */
  readonly connections: readonly string[];
  /** The sink connection; undefined for the mesh's own bus and for replies. */
  readonly sink: string | undefined;
  readonly readsDelivered: boolean;
  /** Functions that are asked over the mesh's bus. */
  readonly asks: readonly string[];
  /** The same message always gives the same rows. */
  readonly deterministic: boolean;
}

export interface DeliveringPipeline {
  readonly name: string;
  readonly options: Options;
}

/** How often a row reaches its destination, and why. */
export interface Delivery {
  readonly guarantee: Guarantee;
  /**
   * By which means exactly once is kept, null where it is not: `S`, a row has an id, by which the output stream drops it or it is found there; `C`, the pipeline is the only writer of the output stream, each of
   * whose rows names the place in the stream that it must come to.
   */
  readonly mode: 'S' | 'C' | null;
  readonly because: string;
  /** What the guarantee rests on. */
  readonly limits: readonly string[];
}

const rank = ({ guarantee }: Delivery): number => guarantees.indexOf(guarantee);

/** How a pipeline delivers: as it asks to, or with the strongest guarantee that all connections allow that it reads. It must have no `deliveryRefusal`. */
export function deliveryOf(query: QueryTraits, pipeline: DeliveringPipeline, catalog: Catalog): Delivery {
  const strongest = strongestOf(query, pipeline, catalog);
  const { delivery: asked } = pipeline.options;
  const inMemory = memoryLimits(query, catalog);
  if (asked === undefined || asked === strongest.guarantee)
    return strongest.guarantee === 'at_most_once'
      ? strongest
      : { ...strongest, limits: [...strongest.limits, ...inMemory] };
  return {
    guarantee: asked as Guarantee,
    mode: null,
    because: `the pipeline asks for no more; it would be ${strongest.guarantee}: ${strongest.because}`,
    limits: asked === 'at_most_once' ? [] : inMemory,
  };
}

/** What is lost with the servers, of streams that definitions ask to be kept in memory. */
function memoryLimits({ connections, sink }: QueryTraits, catalog: Catalog): string[] {
  return [...new Set([...connections, ...(sink === undefined ? [] : [sink])])].flatMap((name) => {
    const connection = resolved(name, catalog);
    const stream = connection && 'stream' in connection ? connection.stream : undefined;
    if (stream?.storage !== 'memory') return [];
    return `the stream of "${name}" is kept in memory (stream_storage): what it holds is lost when its servers stop`;
  });
}

/** Why a pipeline cannot deliver, or read, as it asks to, and what to do. Undefined where it can, or where a connection is still missing. */
export function deliveryRefusal(
  query: QueryTraits,
  pipeline: DeliveringPipeline,
  catalog: Catalog,
): { readonly option: 'delivery' | 'reader'; readonly reason: string } | undefined {
  for (const connection of query.connections) {
    const source = resolved(connection, catalog);
    const reason = source && ownReaderRefusal(pipeline, connection, source);
    if (reason !== undefined) return { option: 'reader', reason };
  }
  const asked = pipeline.options.delivery as Guarantee | undefined;
  if (asked === undefined) return undefined;
  const refuse = (reason: string) => ({ option: 'delivery', reason: `delivery = '${asked}': ${reason}` }) as const;
  const strongest = strongestOf(query, pipeline, catalog);
  if (rank(strongest) < guarantees.indexOf(asked))
    return refuse(`${strongest.because}; ask for '${strongest.guarantee}', or leave delivery out`);
  // What is asked for less than it gets comes again after a crash.
  if (asked === 'at_most_once' && strongest.guarantee !== asked)
    return refuse(
      "messages that the reader is to acknowledge come again after a crash, and their rows twice; give the pipeline reader = 'own', which then acknowledges nothing, or ask for more",
    );
  if (!isSoleWriter(pipeline.options)) return undefined;
  const reason = soleWriterRefusal(query, pipeline, catalog);
  return reason === undefined ? undefined : refuse(`with reader = 'own' ${reason}`);
}

/** The weakest of what the connections allow that a query reads. */
function strongestOf(query: QueryTraits, pipeline: DeliveringPipeline, catalog: Catalog): Delivery {
  return query.connections
    .map((connection) => deliveryFrom(connection, query, pipeline, catalog))
    .reduce((weakest, next) => (rank(next) < rank(weakest) ? next : weakest));
}

function deliveryFrom(
  connection: string,
  query: QueryTraits,
  pipeline: DeliveringPipeline,
  catalog: Catalog,
): Delivery {
  const isJetStream = (name: string | undefined) =>
    name !== undefined && catalog.get('connection', name)?.definition.options.jetstream === true;
  if (!isJetStream(connection))
    return weaker(
      'at_most_once',
      `"${connection}" reads without JetStream, so the server keeps nothing that could be delivered again`,
    );
  const shared = resolved(connection, catalog);
  const source = (shared && ownReading(pipeline, shared)) ?? shared;
  if (source && hasDurable(source) && source.consumer.ackPolicy === 'none') {
    const whose = shared === source ? `"${connection}"` : "the pipeline's own reader";
    return weaker(
      'at_most_once',
      `${whose} acknowledges nothing, so that for the server a message is done when it is sent`,
    );
  }
  if (!isJetStream(query.sink))
    return weaker(
      'at_least_once',
      `${settling(source, 'flushed')}; without JetStream the output cannot tell a row that it has seen`,
    );
  if (!query.deterministic) {
    const why = query.readsDelivered
      ? 'it reads _nats_delivered'
      : `it calls ${query.asks[0] ?? 'a function such as NOW()'}`;
    return weaker(
      'at_least_once',
      `evaluating a message again may give other rows, as ${why}; so the output stream cannot tell a repeated row`,
    );
  }
  return isSoleWriter(pipeline.options) ? modeC : modeS(settling(source, 'confirmed'));
}

const weaker = (guarantee: Guarantee, because: string): Delivery => ({ guarantee, mode: null, because, limits: [] });

const sameRows = 'evaluating a message again must give the same rows';
const brokersOwn =
  "nothing holds past the servers' own durability: what they lose of what they confirmed is lost. That rests on the replicas of the streams, and on their sync_interval, which servers do not tell their clients";

function modeS(settled: string): Delivery {
  return {
    guarantee: 'exactly_once',
    mode: 'S',
    because: `${settled}; a row has a message id, by which the output stream drops what it has seen within its duplicate window (2 minutes unless its settings say otherwise), and by which what may be out longer is looked for in the stream before it is published`,
    limits: [
      sameRows,
      'the output stream keeps its rows longer than the longest outage, and the user of the sink may read it: rows that were removed, or taken out of a work queue, cannot be found',
      "a process that stands still for longer than the duplicate window, and then goes on, may double rows; delivery = 'exactly_once' with reader = 'own' has no such limit",
      brokersOwn,
    ],
  };
}

const modeC: Delivery = {
  guarantee: 'exactly_once',
  mode: 'C',
  because:
    'the pipeline is the only writer of its output stream, and each row names the place in that stream that it must come to: the server refuses a row that comes twice, late, or from somebody who does not own the pipeline any more; whoever takes over goes on behind the last row',
  limits: [
    sameRows,
    'nobody else may write to the output stream: what does is found, and the pipeline fails rather than lose or double a row',
    'the output stream keeps its last row longer than the longest outage: from an emptied one it is not seen how far the pipeline came',
    brokersOwn,
  ],
};

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
