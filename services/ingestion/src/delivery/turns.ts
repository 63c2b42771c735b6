import { setImmediate } from 'node:timers/promises';

/** This many bytes of rows are handed to the sinks before it is asked whether they can take more. */
const bytesMax = 1024 * 1024;

/** Work that gives many rows is done a part at a time, a turn; between two of them what was published goes out, and the sinks come to be ready for more. */
export class Turns {
  #bytes = 0;
  readonly #waiting: (() => void)[] = [];
  #endWait: () => void = () => undefined;

  /** `ready` resolves when the sinks can take more; undefined means now. */
  constructor(readonly ready: () => Promise<unknown> | undefined) {}

  begin(): void {
    this.#bytes = 0;
  }

  spend(bytes: number): void {
    this.#bytes += bytes;
  }

  get isOver(): boolean {
    return this.#bytes >= bytesMax;
  }

  /** `goOn` is called later, once, in the turn that follows, which it may find to be over by others that waited with it. */
  next(goOn: () => void): void {
    this.#waiting.push(goOn);
    if (this.#waiting.length === 1) void this.#wait();
  }

  /** Who waits does so no longer: the sinks that they wait for may never be ready again. */
  hurry(): void {
    this.#endWait();
  }

  async #wait(): Promise<void> {
    const hurried = new Promise<void>((resolve) => {
      this.#endWait = resolve;
    });
    await setImmediate();
    await Promise.race([this.ready(), hurried]);
    this.begin();
    for (const goOn of this.#waiting.splice(0)) goOn();
  }
}
