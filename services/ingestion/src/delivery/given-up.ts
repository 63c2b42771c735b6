import type { ConnectionLog } from '@laminar/connectors';
import type { RunningPipeline } from './pipeline.js';

const reason =
  'a message was given up: it was not done in time when the pipeline was changed or stopped, and its source does not send it again';

/** Messages that are lost to a pipeline, since nobody can ask for them again: counted as its errors, and told in one line for all of a moment. */
export class GivenUp {
  #untold = 0;

  constructor(readonly log: ConnectionLog) {}

  count({ counters }: RunningPipeline): void {
    counters.errors++;
    counters.lastError = reason;
    if (this.#untold++ === 0) queueMicrotask(() => this.#tell());
  }

  #tell(): void {
    const count = this.#untold;
    this.#untold = 0;
    this.log.write(
      'warn',
      'messages were given up: they were not done in time, and the source does not send them again',
      () => ({ attributes: { count } }),
    );
  }
}
