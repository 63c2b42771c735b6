import { eventually } from '../eventually.js';
import { retried } from './definitions.js';
import type { PipelineLedger } from './ledger.js';
import { chaosSources, inputStream, outputStream, outputSubject } from './pipelines.js';
import type { Stage } from './stage.js';
import { Tail } from './tail.js';

const settleTimeoutMs = 60_000;

/** Everything that comes out, as it comes, into the ledgers. */
export class Outputs {
  readonly #tails: Tail[] = [];

  constructor(
    readonly stage: Stage,
    readonly ledgers: readonly PipelineLedger[],
    /** Milliseconds of the campaign. */
    readonly now: () => number,
  ) {}

  async start(): Promise<void> {
    for (const ledger of this.ledgers) {
      const { name, jetstream } = ledger.pipeline;
      const take = (text: string) => {
        const { n, i, c } = JSON.parse(text);
        ledger.take({ n, row: i, checksum: c, atMs: this.now() });
      };
      if (jetstream) {
        const tail = new Tail(this.stage.nc, outputStream(name), (message) => take(message.string()));
        this.#tails.push(tail);
        tail.start();
      } else {
        this.stage.receiver.subscribe(outputSubject(name), {
          callback: (error, message) => {
            if (!error) take(message.string());
          },
        });
        await this.stage.receiver.flush();
      }
    }
  }

  /** Waits until the durables owe nothing any more and all that came out was read: a copy may come after the last row. */
  async complete(): Promise<void> {
    for (const { durable } of chaosSources)
      if (durable !== undefined)
        await eventually(
          async () => {
            const { num_pending, num_ack_pending } = await this.stage.jsm.consumers.info(inputStream, durable);
            return num_pending === 0 && num_ack_pending === 0;
          },
          { what: `${durable} to have everything acknowledged`, timeoutMs: settleTimeoutMs },
        );
    for (const tail of this.#tails)
      await eventually(() => retried(tail.stream, () => tail.isAtEnd()), { what: `the end of ${tail.stream}` });
  }

  async stop(): Promise<void> {
    await Promise.all(this.#tails.map((tail) => tail.stop()));
  }
}
