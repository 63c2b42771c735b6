// `npm run bench -- sql`: what queries cost, beside the same written by hand on the same messages, in this process: bytes in, bytes out.
import { jsonCodec, type Message } from '@laminar/codecs';
import { bindQuery, type CompiledQuery, compileQuery, decodedMessage, loadSql } from '@laminar/sql';
import { show, spread } from './figures.js';
import { orders } from './sql-messages.js';

const rounds = 9;
/** CPU time of one side's round, about. */
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

await loadSql();
for (const size of ['small', 'large'] as const) {
  const data = orders(messages, size);
  console.log(`messages of about ${Math.round(data.reduce((sum, { length }) => sum + length, 0) / messages)} bytes`);
  for (const job of jobsOf(size)) compare(job, data);
  compareFiveWithOne(data);
}
measureCompiling();

/** Ours and by hand in turn; both must give as many bytes. */
function compare({ name, queries, byHand, target }: Job, data: readonly Uint8Array[]): void {
  const ours = ourSide(queries, data);
  const theirs = (): number => {
    let bytes = 0;
    for (const payload of data) {
      const order = JSON.parse((payload as Buffer).toString()) as Order;
      for (const pipeline of byHand) bytes += pipeline(order, payload)?.length ?? 0;
    }
    return bytes;
  };
  if (ours() !== theirs()) throw new Error(`${name}: the rows differ`);
  const pairs = inTurn(ours, theirs);
  const ratio = spread(pairs.map(([our, hand]) => our / hand));
  const us = (side: 0 | 1) => show(spread(pairs.map((pair) => pair[side])), 2);
  console.log(
    `  ${name.padEnd(34)} ${show(ratio, 2).padEnd(22)} ${(target === undefined ? '' : `target ${target}`).padEnd(12)}${us(0)} us beside ${us(1)} us`,
  );
}

function compareFiveWithOne(data: readonly Uint8Array[]): void {
  const queries = limits.map((least) => `SELECT * FROM orders WHERE percent >= ${least}`);
  const pairs = inTurn(ourSide(queries, data), ourSide(queries.slice(0, 1), data));
  const ratio = spread(pairs.map(([many, one]) => many / one));
  console.log(`  ${'five pipelines beside one of them'.padEnd(34)} ${show(ratio, 2).padEnd(22)} target 2`);
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

/** Microseconds per message of both, round by round, after one that does not count. */
function inTurn(first: () => number, second: () => number): (readonly [number, number])[] {
  const repeats = [first, second].map((run) => Math.max(1, Math.round(roundMs / timed(run, 20))));
  const measure = () => [timed(first, repeats[0] ?? 1), timed(second, repeats[1] ?? 1)] as const;
  measure();
  return Array.from({ length: rounds }, () => {
    const [a, b] = measure();
    return [(a * 1_000) / messages, (b * 1_000) / messages] as const;
  });
}

/** Milliseconds of CPU time that one run takes, collecting its garbage included. */
function timed(run: () => number, repeats: number): number {
  const before = process.cpuUsage();
  for (let i = 0; i < repeats; i++) run();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000 / repeats;
}

function measureCompiling(): void {
  const times = Array.from({ length: compilations }, (_, i) => {
    const startedMs = performance.now();
    compile(
      `SELECT id, customer, amount * ${i} AS scaled FROM orders WHERE percent > ${i} AND currency IN ('EUR', 'USD') OR note LIKE 'a%'`,
    );
    return performance.now() - startedMs;
  }).slice(1);
  console.log(`binding and compiling a pipeline after the first: ${show(spread(times), 2)} ms, target 5`);
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
