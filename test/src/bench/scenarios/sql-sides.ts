import type { Message, MessageCodec } from '@laminar/codecs';
import { bindQuery, type CompiledQuery, compileQuery, decodedMessage, type SourceConnection } from '@laminar/sql';
import { comparedFigure } from '../figures.js';
import { inTurn } from '../in-turn.js';
import { type Figure, type MeasureOptions, scaled } from '../scenario.js';

/** CPU time of one side's run, about. */
const roundMs = 150;

/** The same work for all messages, once; it gives the bytes that came out. */
type Side = () => number;

/** Bytes out of all messages, each decoded for all queries. They read a source named `orders`. */
export function ourSide(
  queries: readonly string[],
  data: readonly Uint8Array[],
  format: SourceConnection['format'],
  codec: MessageCodec,
): Side {
  const compiled = queries.map((query) => compileFor(query, format));
  const all = data.map(message);
  return () => {
    let bytes = 0;
    for (const one of all) {
      const decoded = decodedMessage(one, codec);
      for (const query of compiled) for (const row of query.process(decoded)) bytes += row.data.length;
    }
    return bytes;
  };
}

/** CPU time by message, ours beside the baseline's. `target` is what ours may take, where the baseline takes 1. */
export async function compare(
  name: string,
  ours: Side,
  baseline: { readonly name: string; readonly run: Side },
  target: number | undefined,
  messages: number,
  { runs, scale }: MeasureOptions,
): Promise<Figure> {
  const side = (run: Side) => {
    const repeats = Math.max(1, Math.round((roundMs * scale) / timedMs(run, scaled(20, scale))));
    return async () => (timedMs(run, repeats) * 1_000) / messages;
  };
  const us = await inTurn(runs, { ours: side(ours), theirs: side(baseline.run) });
  const ratio = target === undefined ? undefined : ({ of: 'ratio', bound: 'at most', value: target } as const);
  return comparedFigure(name, 'us', us.ours, { name: baseline.name, values: us.theirs }, ratio);
}

/** Milliseconds of CPU time that one run takes, collecting its garbage included. */
function timedMs(run: Side, repeats: number): number {
  const before = process.cpuUsage();
  for (let i = 0; i < repeats; i++) run();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000 / repeats;
}

export function compileFor(query: string, format: SourceConnection['format']): CompiledQuery {
  const orders = { kind: 'source', name: 'orders', jetstream: false, format } as const;
  const bound = bindQuery(query, { get: (name) => (name === 'orders' ? orders : undefined), names: () => ['orders'] });
  if (bound.status !== 'bound') throw new Error(bound.reason);
  return compileQuery(bound.query);
}

function message(data: Uint8Array): Message {
  return {
    data,
    subject: 'orders.new',
    reply: undefined,
    headers: () => undefined,
    header: () => undefined,
    timestampMs: 0,
    sequence: undefined,
    stream: undefined,
    consumer: undefined,
    delivered: undefined,
  };
}
