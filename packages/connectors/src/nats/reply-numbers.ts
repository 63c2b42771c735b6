/** So many others were given back, at least, before a number is used again. */
const restMin = 256;

/**
 * Numbers for the subjects of replies, which are used again: nats-server finds who takes an answer in a cache of about a thousand subjects (`slCacheMax` of
 * server/sublist.go), and a subject that it meets for the first time costs it a sixth of what it does for a message to JetStream.
 */
export class ReplyNumbers {
  #next = 0;
  /** Given back, the longest ago first; those before `#first` are in use again. */
  #resting: number[] = [];
  #first = 0;
  #usesAgain = true;

  take(): number {
    if (this.#resting.length - this.#first <= restMin) return this.#next++;
    const number = this.#resting[this.#first++] as number;
    if (this.#first === restMin) {
      this.#resting.splice(0, restMin);
      this.#first = 0;
    }
    return number;
  }

  /** Of a message that was sent once and has its answer; where another answer may come, its number is not given back. */
  giveBack(number: number): void {
    if (this.#usesAgain) this.#resting.push(number);
  }

  /**
   * An answer came to a number that nothing waits for. Where it was given back, somebody answers twice, such as streams of two JetStream domains: a later answer
   * would be taken for that to another message, and no number is used again.
   */
  noteStray(number: number): void {
    if (!this.#resting.includes(number, this.#first)) return;
    this.#usesAgain = false;
    this.#resting = [];
    this.#first = 0;
  }
}
