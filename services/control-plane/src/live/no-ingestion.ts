import { Refusal } from '../refusal.js';

/** Nobody listens where ingestion instances answer. */
export const noIngestion = (): Refusal =>
  new Refusal(
    'ingestion_unavailable',
    'no ingestion service is there to answer; it must run for live queries and tests of connections',
    { headers: { 'retry-after': '1' } },
  );
