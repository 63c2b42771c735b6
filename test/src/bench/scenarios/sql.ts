import { jsonCodec } from '@laminar/codecs';
import { loadSql } from '@laminar/sql';
import { figure } from '../figures.js';
import { type Figure, type MeasureOptions, type Scenario, scaled } from '../scenario.js';
import { averageBytes, laidOut, orders } from './sql-messages.js';
import { protobufFigures } from './sql-protobuf.js';
import { compare, compileFor, ourSide } from './sql-sides.js';

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
/** Five pipelines, to stand beside the first of them. */
interface Five {
  readonly name: string;
  readonly wheres: readonly string[];
}
const fives: readonly Five[] = [
  {
    name: 'five pipelines, each drops 90 %, beside one',
    wheres: limits.map((least) => `percent >= ${least}`),
  },
  { name: 'five pipelines, of other fields, beside one', wheres: otherFields.map(([where]) => where) },
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
      const data = laidOut(orders(messages, size).map((order) => Buffer.from(JSON.stringify(order))));
      for (const job of jobsOf(size)) figures.push(await compareWithHand(job, data, options));
      for (const five of fives) figures.push(await compareFiveWithOne(five, data, options));
    }
    for (const size of ['small', 'large'] as const) figures.push(...(await protobufFigures(size, messages, options)));
    figures.push(measureCompiling(scaled(compilations, options.scale)));
    return { figures };
  },
};

/** Both must give as many bytes. */
function compareWithHand(
  { name, queries, byHand, target }: Job,
  data: readonly Uint8Array[],
  options: MeasureOptions,
): Promise<Figure> {
  const ours = ourSide(queries, data, 'json', jsonCodec);
  const theirs = (): number => {
    let written = 0;
    for (const payload of data) {
      const order = JSON.parse((payload as Buffer).toString()) as Order;
      for (const pipeline of byHand) written += pipeline(order, payload)?.length ?? 0;
    }
    return written;
  };
  if (ours() !== theirs()) throw new Error(`${name}: the rows differ`);
  const title = `${averageBytes(data)} bytes: ${name}`;
  return compare(title, ours, { name: 'by hand', run: theirs }, target, messages, options);
}

function compareFiveWithOne(
  { name, wheres }: Five,
  data: readonly Uint8Array[],
  options: MeasureOptions,
): Promise<Figure> {
  const queries = wheres.map((where) => `SELECT * FROM orders WHERE ${where}`);
  const side = (some: readonly string[]) => ourSide(some, data, 'json', jsonCodec);
  const one = { name: 'one of them', run: side(queries.slice(0, 1)) };
  return compare(`${averageBytes(data)} bytes: ${name}`, side(queries), one, 2, messages, options);
}

function measureCompiling(count: number): Figure {
  const times = Array.from({ length: count + 1 }, (_, i) => {
    const startedMs = performance.now();
    compileFor(
      `SELECT id, customer, amount * ${i} AS scaled FROM orders WHERE percent > ${i} AND currency IN ('EUR', 'USD') OR note LIKE 'a%'`,
      'json',
    );
    return performance.now() - startedMs;
  }).slice(1);
  return figure('binding and compiling a pipeline after the first', 'ms', times, {
    of: 'ours',
    bound: 'at most',
    value: 5,
  });
}
