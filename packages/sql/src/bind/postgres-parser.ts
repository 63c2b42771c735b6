import { setFlagsFromString } from 'node:v8';

type PostgresParser = typeof import('libpg-query');

/** Whether the WebAssembly that V8 compiles from now on counts how often it runs, to be compiled again by the optimising compiler. */
const tiersUp = (yes: boolean): void => {
  for (const flag of ['wasm-tier-up', 'wasm-dynamic-tiering']) setFlagsFromString(`--${yes ? '' : 'no-'}${flag}`);
};

let loading: Promise<PostgresParser> | undefined;
let loaded: PostgresParser | undefined;

/**
 * Loads PostgreSQL's parser (WebAssembly, some 50 ms); once, before anything is bound.
 *
 * V8 compiles a function when it is first called, and would optimise the grammar's, which is one huge function, after a few queries: 600 ms of a processor
 * and 20 MiB that are never given back, for a parse of 0.1 ms that gets no quicker. So the first query is parsed while it is told not to.
 */
export const loadSql = async (): Promise<void> => {
  loading ??= load();
  loaded = await loading;
};

async function load(): Promise<PostgresParser> {
  tiersUp(false);
  try {
    const parser = await import('libpg-query');
    await parser.loadModule();
    parser.parseSync('SELECT a FROM b WHERE a > 1');
    return parser;
  } finally {
    tiersUp(true);
  }
}

export function postgresParser(): PostgresParser {
  if (!loaded) throw new Error('loadSql() has to come before the first query');
  return loaded;
}
