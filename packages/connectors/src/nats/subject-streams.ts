import { covers } from '@laminar/definitions';
import type { JetStreamManager } from '@nats-io/jetstream';

/** What a stream was seen to take is believed for that long. */
const freshMs = 1000;

/** The stream that was found last, with all that it takes. */
interface Place {
  readonly stream: string;
  readonly patterns: readonly string[];
  readonly untilMs: number;
}

/**
 * Which streams take subjects. Streams share none, so that whatever the patterns of one cover is its own: where many subjects are asked for together, as for rows that
 * each have another one, the server is asked for the first, and the answers come in the order of the questions.
 */
export class SubjectStreams {
  /** What is asked for many messages at once is asked once. */
  readonly #asked = new Map<string, Promise<string | undefined>>();
  /** Resolves when the first of several questions is answered. */
  #first: Promise<void> | undefined;
  #place: Place | undefined;

  constructor(readonly manager: () => Promise<JetStreamManager>) {}

  /** Undefined where no stream takes the subject. Rejects with what the client or the server says. */
  of(subject: string): Promise<string | undefined> {
    const asked = this.#asked.get(subject) ?? this.#answer(subject).finally(() => this.#asked.delete(subject));
    this.#asked.set(subject, asked);
    return asked;
  }

  async #answer(subject: string): Promise<string | undefined> {
    if (this.#first) await this.#first;
    const known = this.#known(subject);
    if (known !== undefined) return known;
    const found = this.#find(subject);
    this.#first ??= found.then(
      () => this.#endFirst(),
      () => this.#endFirst(),
    );
    return found;
  }

  #endFirst(): void {
    this.#first = undefined;
  }

  #known(subject: string): string | undefined {
    const place = this.#place;
    if (!place || performance.now() > place.untilMs) return undefined;
    return place.patterns.some((pattern) => covers(pattern, subject)) ? place.stream : undefined;
  }

  async #find(subject: string): Promise<string | undefined> {
    const jsm = await this.manager();
    try {
      const stream = await jsm.streams.find(subject);
      const untilMs = performance.now() + freshMs;
      const { config } = await jsm.streams.info(stream);
      this.#place = { stream, patterns: config.subjects ?? [], untilMs };
      return stream;
    } catch (error) {
      if (error instanceof Error && error.message === 'no stream matches subject') return undefined;
      throw error;
    }
  }
}
