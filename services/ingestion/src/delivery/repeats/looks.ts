import type { MessageCodec } from '@laminar/codecs';
import { decodedMessage } from '@laminar/sql';
import type { Flight } from '../flight.js';
import type { RunningPipeline } from '../pipeline.js';
import type { Turns } from '../turns.js';
import type { Finding, Repeats } from './repeats.js';

interface Look {
  /** Undefined until the outputs have answered. */
  answer: { readonly findings: readonly Finding[] | undefined } | undefined;
  readonly done: (findings: readonly Finding[] | undefined) => void;
}

export interface LooksOptions {
  readonly repeats: Pick<Repeats, 'known' | 'find'>;
  readonly codec: MessageCodec;
  /** Messages go on in the order in which they came. */
  readonly inOrder: boolean;
  /** What goes on gives rows. */
  readonly turns: Turns;
  /** No message waits any more. */
  onNoneLeft(): void;
  /** Tells the stream of the messages from its namesakes. */
  sourceIncarnation(): string | undefined;
}

/** Messages that wait until it is known which of their rows are out. */
export class Looks {
  /** Oldest first; where the order is of no matter only those that have their answer. */
  readonly #queue: Look[] = [];
  /** The first goes on in the next turn. */
  #awaitsTurn = false;

  constructor(readonly options: LooksOptions) {}

  /** A message that is not looked at must not pass by those that are. */
  get holdsBack(): boolean {
    return this.#queue.length > 0;
  }

  /** Nothing has to be asked to know that no row of the message is out. */
  isFirst({ message }: Flight, pipelines: readonly RunningPipeline[]): boolean {
    const { repeats, sourceIncarnation } = this.options;
    const source = sourceIncarnation();
    return pipelines.every((pipeline) => repeats.known(pipeline, message, pipeline.familyOf(source)) !== undefined);
  }

  /** Looks what these pipelines have of the message; `done` is called later, once, without findings where they cannot be had now. */
  look({ message }: Flight, pipelines: readonly RunningPipeline[], done: Look['done']): void {
    const { repeats, codec, sourceIncarnation } = this.options;
    const source = sourceIncarnation();
    const decoded = decodedMessage(message, codec);
    const found = pipelines.map((pipeline) => repeats.find(pipeline, decoded, pipeline.familyOf(source)));
    this.#answerBy(Promise.all(found), done);
  }

  /** The message goes on, after those that are looked at. */
  follow(pipelines: readonly RunningPipeline[], done: Look['done']): void {
    this.#answerBy(Promise.resolve(pipelines.map((pipeline) => ({ pipeline, published: undefined }))), done);
  }

  #answerBy(found: Promise<readonly (Finding | undefined)[]>, done: Look['done']): void {
    const look: Look = { answer: undefined, done };
    if (this.options.inOrder) this.#queue.push(look);
    void found.then((findings) => {
      const known = findings.flatMap((finding) => finding ?? []);
      look.answer = { findings: known.length < findings.length ? undefined : known };
      if (!this.options.inOrder) this.#queue.push(look);
      if (!this.#awaitsTurn) this.#handOn();
    });
  }

  #handOn(): void {
    const { turns, onNoneLeft } = this.options;
    for (let [first] = this.#queue; first?.answer; [first] = this.#queue) {
      if (turns.isOver) {
        this.#awaitsTurn = true;
        turns.next(() => {
          this.#awaitsTurn = false;
          this.#handOn();
        });
        return;
      }
      this.#queue.shift();
      first.done(first.answer.findings);
    }
    if (this.#queue.length === 0) onNoneLeft();
  }
}
