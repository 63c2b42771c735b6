import type { Catalog } from '../catalog.js';
import { type JetStreamSink, resolveConnection } from '../connection/resolve.js';
import type { DeliveringPipeline, QueryTraits } from './delivery.js';
import { isSoleWriter } from './own-reader.js';

/**
 * Why a pipeline cannot be the only writer of its output stream, as it follows "with reader = 'own'": of its query, or because another pipeline
 * writes there. Undefined where it can.
 */
export function soleWriterRefusal(
  { connections, sink }: Pick<QueryTraits, 'connections' | 'sink'>,
  { name, options }: DeliveringPipeline,
  catalog: Catalog,
): string | undefined {
  if (connections.length > 1) return 'one stream is read, in its order; read one connection';
  const output = sinkOf(sink, catalog);
  if (!output) return undefined;
  if (output.streamName === undefined)
    return `the stream of "${sink}" has to be known; give that connection its stream_name`;
  const [source = ''] = connections;
  if ((options.on_error ?? onErrorOf(source, catalog)) === 'retry')
    return "rows go out in the order of the stream, so that no message can be tried again behind others; give the pipeline on_error = 'dead_letter', 'skip' or 'stop'";
  const other = otherWriter(name, output, catalog);
  return other === undefined
    ? undefined
    : `nobody else may write to the stream "${output.streamName}", and the pipeline "${other}" does; give one of them another stream`;
}

/** Why a pipeline may not write where it wants to: another one, which is to be the only writer there, does. Undefined where it may. */
export function takenStreamRefusal(
  sink: string | undefined,
  { name }: DeliveringPipeline,
  catalog: Catalog,
): string | undefined {
  const output = sinkOf(sink, catalog);
  if (!output) return undefined;
  for (const owner of catalog.values('pipeline')) {
    if (owner.name === name || !isSoleWriter(owner.definition.options)) continue;
    const theirs = sinkOf(owner.definition.writes, catalog);
    if (theirs && sharesStream(output, theirs))
      return `the pipeline "${owner.name}" delivers exactly once as the only writer of the stream "${theirs.streamName}"; write to another stream`;
  }
  return undefined;
}

function otherWriter(name: string, output: JetStreamSink, catalog: Catalog): string | undefined {
  for (const other of catalog.values('pipeline')) {
    if (other.name === name) continue;
    const theirs = sinkOf(other.definition.writes, catalog);
    if (theirs && sharesStream(output, theirs)) return other.name;
  }
  return undefined;
}

/** As far as definitions tell; a stream under another name, or over other servers, is found when a row is refused. */
function sharesStream(a: JetStreamSink, b: JetStreamSink): boolean {
  if (!a.servers.some((server) => b.servers.includes(server))) return false;
  return a.streamName === undefined || b.streamName === undefined
    ? a.subject === b.subject
    : a.streamName === b.streamName;
}

function sinkOf(name: string | undefined, catalog: Catalog): JetStreamSink | undefined {
  const record = name === undefined ? undefined : catalog.get('connection', name);
  const sink = record && resolveConnection(record.name, record.definition);
  return sink?.role === 'sink-jetstream' ? sink : undefined;
}

function onErrorOf(connection: string, catalog: Catalog): string | undefined {
  const record = catalog.get('connection', connection);
  const source = record && resolveConnection(connection, record.definition);
  return source && 'onError' in source ? source.onError : undefined;
}
