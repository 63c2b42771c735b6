import { jsonCodec, type Message } from '@laminar/codecs';
import { bindQuery, type CompiledQuery, compileQuery, decodedMessage, loadSql } from '@laminar/sql';
import { comparedFigure, figure } from '../figures.js';
import { inTurn } from '../in-turn.js';
import { type Figure, type MeasureOptions, type Scenario, scaled } from '../scenario.js';
import { orders } from './sql-messages.js';

/** CPU time of one side's run, about. */
const roundMs = 150;
const messages = 1_000;
const compilations = 200;

/** What JSON.parse gave, as code written by hand takes it. */
type Order = {
  readonly [field: string]: unknown;
  readonly percent: number;
  readonly customer: unknown;
  readonly amount: number;
  readonly id: string;
};
/** One pipeline, by hand. */
type ByHand = (order: Order, data: Uint8Array) => Uint8Array | undefined;

interface Job {
  readonly name: string;
  readonly size: 'small' | 'large';
  readonly queries: readonly string[];
  readonly byHand: readonly ByHand[];
  /** What ours may take, where code by hand takes 1. */
  readonly target: number | undefined;
}

const five = ({ id, customer, percent, amount, currency }: Order): Uint8Array =>
  Buffer.from(JSON.stringify({ id, customer, percent, amount, currency }));
const fields = 'id, customer, percent, amount, currency';
const passing =
  (least: number): ByHand =>
  (order, data) =>
    order.percent >= least ? data : undefined;
const typedFields =
  'id::text AS id, customer, percent::integer AS percent, amount::double precision AS amount, currency::text AS currency';
const limits = [90, 91, 92, 93, 94];
const otherFields: readonly (readonly [where: string, test: (order: Order) => boolean])[] = [
  ['percent >= 90', ({ percent }) => percent >= 90],
  ['amount > 19.5', ({ amount }) => amount > 19.5],
  ["currency = 'USD'", ({ currency }) => currency === 'USD'],
  ["id LIKE 'order-000009%'", ({ id }) => id.startsWith('order-000009')],
  ["note = ''", ({ note }) => note === ''],
];
const shares = [0, 25, 50, 75, 95];

const jobsOf = (size: Job['size']): Job[] => [
  {
    name: 'a filter drops 90 %',
    size,
    queries: ['SELECT * FROM orders WHERE percent >= 90'],
    byHand: [passing(90)],
    target: 0.5,
  },
  {
    name: 'SELECT *, a filter drops 50 %',
    size,
    queries: ['SELECT * FROM orders WHERE percent >= 50'],
    byHand: [passing(50)],
    target: 0.8,
  },
  {
    name: 'SELECT *, a filter drops none',
    size,
    queries: ['SELECT * FROM orders WHERE percent >= 0'],
    byHand: [passing(0)],
    target: 0.8,
  },
  { name: 'five fields of all', size, queries: [`SELECT ${fields} FROM orders`], byHand: [five], target: 1 },
  {
    name: 'five fields of all, with types',
    size,
    queries: [`SELECT ${typedFields} FROM orders`],
    byHand: [five],
    target: 1,
  },
  {
    name: 'SELECT *, one more member',
    size,
    queries: ['SELECT *, percent AS share FROM orders'],
    byHand: [(order) => Buffer.from(JSON.stringify({ ...order, share: order.percent }))],
    target: undefined,
  },
  {
    name: 'five pipelines, each drops 90 %',
    size,
    queries: limits.map((least) => `SELECT * FROM orders WHERE percent >= ${least}`),
    byHand: limits.map(passing),
    target: undefined,
  },
  {
    name: 'five pipelines, of other shares',
    size,
    queries: shares.map((least) => `SELECT * FROM orders WHERE percent >= ${least}`),
    byHand: shares.map(passing),
    target: undefined,
  },
  {
    name: 'five pipelines, of other fields',
    size,
    queries: otherFields.map(([where]) => `SELECT * FROM orders WHERE ${where}`),
    byHand: otherFields.map(
      ([, test]) =>
        (order, data) =>
          test(order) ? data : undefined,
    ),
    target: undefined,
  },
];

/** What queries cost, beside the same written by hand on the same messages, in this process: bytes in, bytes out. */
export const sql: Scenario = {
  name: 'sql',
  title: 'queries alone, bytes in and bytes out, beside JSON.parse, a test and JSON.stringify',
  async measure(options) {
    await loadSql();
    const figures: Figure[] = [];
    for (const size of ['small', 'large'] as const) {
      const data = orders(messages, size);
      const bytes = Math.round(data.reduce((sum, { length }) => sum + length, 0) / messages);
      for (const job of jobsOf(size)) figures.push(await compareWithHand(job, data, bytes, options));
      figures.push(await compareFiveWithOne(data, bytes, options));
    }
    figures.push(measureCompiling(scaled(compilations, options.scale)));
    return { figures };
  },
};

/** Both must give as many bytes. */
function compareWithHand(
  { name, queries, byHand, target }: Job,
  data: readonly Uint8Array[],
  bytes: number,
  options: MeasureOptions,
): Promise<Figure> {
  const ours = ourSide(queries, data);
  const theirs = (): number => {
    let written = 0;
    for (const payload of data) {
      const order = JSON.parse((payload as Buffer).toString()) as Order;
      for (const pipeline of byHand) written += pipeline(order, payload)?.length ?? 0;
    }
    return written;
  };
  if (ours() !== theirs()) throw new Error(`${name}: the rows differ`);
  return compare(`${bytes} bytes: ${name}`, ours, { name: 'by hand', run: theirs }, target, options);
}

function compareFiveWithOne(data: readonly Uint8Array[], bytes: number, options: MeasureOptions): Promise<Figure> {
  const queries = limits.map((least) => `SELECT * FROM orders WHERE percent >= ${least}`);
  const one = { name: 'one of them', run: ourSide(queries.slice(0, 1), data) };
  return compare(
    `${bytes} bytes: five pipelines, each drops 90 %, beside one`,
    ourSide(queries, data),
    one,
    2,
    options,
  );
}

/** CPU time of all messages, by message. */
async function compare(
  name: string,
  ours: () => number,
  baseline: { readonly name: string; readonly run: () => number },
  target: number | undefined,
  { runs, scale }: MeasureOptions,
): Promise<Figure> {
  const side = (run: () => number) => {
    const repeats = Math.max(1, Math.round((roundMs * scale) / timedMs(run, scaled(20, scale))));
    return async () => (timedMs(run, repeats) * 1_000) / messages;
  };
  const us = await inTurn(runs, { ours: side(ours), theirs: side(baseline.run) });
  const ratio = target === undefined ? undefined : ({ of: 'ratio', bound: 'at most', value: target } as const);
  return comparedFigure(name, 'us', us.ours, { name: baseline.name, values: us.theirs }, ratio);
}

/** Bytes out of all messages, each decoded for all queries. */
function ourSide(queries: readonly string[], data: readonly Uint8Array[]): () => number {
  const compiled = queries.map(compile);
  const all = data.map(message);
  return () => {
    let bytes = 0;
    for (const one of all) {
      const decoded = decodedMessage(one, jsonCodec);
      for (const query of compiled) for (const row of query.process(decoded)) bytes += row.data.length;
    }
    return bytes;
  };
}

/** Milliseconds of CPU time that one run takes, collecting its garbage included. */
function timedMs(run: () => number, repeats: number): number {
  const before = process.cpuUsage();
  for (let i = 0; i < repeats; i++) run();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000 / repeats;
}

function measureCompiling(count: number): Figure {
  const times = Array.from({ length: count + 1 }, (_, i) => {
    const startedMs = performance.now();
    compile(
      `SELECT id, customer, amount * ${i} AS scaled FROM orders WHERE percent > ${i} AND currency IN ('EUR', 'USD') OR note LIKE 'a%'`,
    );
    return performance.now() - startedMs;
  }).slice(1);
  return figure('binding and compiling a pipeline after the first', 'ms', times, {
    of: 'ours',
    bound: 'at most',
    value: 5,
  });
}

function compile(query: string): CompiledQuery {
  const orders = { kind: 'source', name: 'orders', jetstream: false, format: 'json' } as const;
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
