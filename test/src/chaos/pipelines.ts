import type { Fate } from './messages.js';

/** What a pipeline promises, and which rows it owes for which message. */
export interface ChaosPipeline {
  readonly name: string;
  /** The source connection that it reads by; pipelines of the same one share its reader. */
  readonly connection: string;
  /** As the API calls it. */
  readonly guarantee: 'exactly once' | 'at least once';
  /** The first copies of its rows come in the order of the source stream. */
  readonly ordered: boolean;
  /** Whether the output is a JetStream stream; else a subject without one. */
  readonly jetstream: boolean;
  readonly rowsMax: number;
  /** Its filter, as SQL has it. */
  matches(n: number): boolean;
  /** Rows for a message. */
  rows(n: number, fate: Fate): number;
  /** The query; `version` goes out with each row and changes nothing else. */
  query(version: number): string;
  readonly options?: Readonly<Record<string, string>>;
}

/** A source connection and the options that make it what it is. */
export interface ChaosSource {
  readonly name: string;
  readonly options: Readonly<Record<string, string | number | boolean>>;
  /** Whether the server keeps a consumer for it, and under which name. */
  readonly durable: string | undefined;
}

/** Redelivery of what a dead process held begins after so long. */
const ackWaitS = 3;

export const chaosSources: readonly ChaosSource[] = [
  { name: 'shared_in', options: { parallelism: 3, consumer_ack_wait_s: ackWaitS }, durable: 'laminar-shared_in' },
  { name: 'several_in', options: { parallelism: 2, consumer_ack_wait_s: ackWaitS }, durable: 'laminar-several_in' },
  { name: 'ordered_in', options: { consumer_ordered: true }, durable: undefined },
  // Its only pipeline reads by itself.
  { name: 'sole_in', options: {}, durable: undefined },
];

const severalRows = 3;
const soleRows = 2;

export const chaosPipelines: readonly ChaosPipeline[] = [
  {
    name: 'once',
    connection: 'shared_in',
    guarantee: 'exactly once',
    ordered: false,
    jetstream: true,
    rowsMax: 1,
    matches: (n) => n % 2 === 0,
    rows: (n, fate) => (n % 2 === 0 && fate === 'plain' ? 1 : 0),
    query: (version) =>
      `INSERT INTO out_once SELECT n, c, 0 AS i, 60 / z AS share, ${version} AS v FROM shared_in WHERE n % 2 = 0`,
  },
  {
    name: 'stamped',
    connection: 'shared_in',
    guarantee: 'at least once',
    ordered: false,
    jetstream: true,
    rowsMax: 1,
    matches: (n) => n % 5 === 1,
    rows: (n, fate) => (n % 5 === 1 && fate !== 'undecodable' ? 1 : 0),
    query: (version) =>
      `INSERT INTO out_stamped SELECT n, c, 0 AS i, now() AS at, ${version} AS v FROM shared_in WHERE n % 5 = 1`,
  },
  {
    name: 'copied',
    connection: 'shared_in',
    guarantee: 'at least once',
    ordered: false,
    jetstream: false,
    rowsMax: 1,
    matches: (n) => n % 5 === 2,
    rows: (n, fate) => (n % 5 === 2 && fate !== 'undecodable' ? 1 : 0),
    query: (version) => `INSERT INTO out_copied SELECT n, c, 0 AS i, ${version} AS v FROM shared_in WHERE n % 5 = 2`,
  },
  {
    name: 'several',
    connection: 'several_in',
    guarantee: 'exactly once',
    ordered: false,
    jetstream: true,
    rowsMax: severalRows,
    matches: (n) => n % 10 === 0,
    rows: (n, fate) => (n % 10 === 0 && fate !== 'undecodable' ? severalRows : 0),
    query: (version) =>
      `INSERT INTO out_several SELECT n, c, i, ${version} AS v FROM several_in, generate_series(0, ${severalRows - 1}) AS i WHERE n % 10 = 0`,
  },
  {
    name: 'ordered',
    connection: 'ordered_in',
    guarantee: 'exactly once',
    ordered: true,
    jetstream: true,
    rowsMax: 1,
    matches: (n) => n % 4 === 3,
    rows: (n, fate) => (n % 4 === 3 && fate !== 'undecodable' ? 1 : 0),
    query: (version) => `INSERT INTO out_ordered SELECT n, c, 0 AS i, ${version} AS v FROM ordered_in WHERE n % 4 = 3`,
  },
  {
    name: 'sole',
    connection: 'sole_in',
    guarantee: 'exactly once',
    ordered: true,
    jetstream: true,
    rowsMax: soleRows,
    matches: (n) => n % 10 === 5,
    rows: (n, fate) => (n % 10 === 5 && fate !== 'undecodable' ? soleRows : 0),
    query: (version) =>
      `INSERT INTO out_sole SELECT n, c, i, ${version} AS v FROM sole_in, generate_series(0, ${soleRows - 1}) AS i WHERE n % 10 = 5`,
    options: { delivery: 'exactly_once', reader: 'own' },
  },
];

/** They share no reader, and so miss nothing while they are stopped. */
export const stoppablePipelines: readonly string[] = ['several', 'ordered', 'sole'];

export const inputStream = 'CHAOS_IN';
export const inputSubject = 'chaos.in';
export const outputStream = (pipeline: string): string => `CHAOS_OUT_${pipeline}`;
export const outputSubject = (pipeline: string): string => `chaos.out.${pipeline}`;
