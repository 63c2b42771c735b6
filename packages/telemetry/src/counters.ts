import { type Attributes, metrics } from '@opentelemetry/api';

export interface Observation {
  readonly value: number;
  readonly attributes: Attributes;
}

/** Publishes plain numbers as a counter, read when somebody scrapes: the hot path only ever does `n++`. */
export function observeCounter(name: string, description: string, read: () => Iterable<Observation>): void {
  metrics
    .getMeter('laminar')
    .createObservableCounter(name, { description })
    .addCallback((result) => {
      for (const { value, attributes } of read()) result.observe(value, attributes);
    });
}
