import type { ConnectionLog } from '@laminar/connectors';

const intervalMs = 1000;

interface KeptLetter {
  readonly pipeline: string | undefined;
  readonly subject: string;
  readonly sequence: number | undefined;
}

/** Says how many dead letters of a connection were kept, at most once a second. Why is said where they are kept: it may quote the message. */
export class DeadLetterLog {
  #count = 0;
  #last: KeptLetter | undefined;

  constructor(readonly log: ConnectionLog) {}

  kept(letter: KeptLetter): void {
    this.#last = letter;
    if (this.#count++ === 0) setTimeout(() => this.#tell(), intervalMs);
  }

  #tell(): void {
    const count = this.#count;
    const { pipeline, subject, sequence } = this.#last ?? {};
    this.#count = 0;
    this.log.write('warn', `${count === 1 ? 'a dead letter was' : `${count} dead letters were`} kept`, () => ({
      attributes: { count, last_pipeline: pipeline, last_subject: subject, last_sequence: sequence },
    }));
  }
}
