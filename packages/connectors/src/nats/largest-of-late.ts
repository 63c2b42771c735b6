/** So many messages, and as many before them, say how large the next ones are. */
const messagesMax = 1000;

/** How large messages are that come, by the largest of late. */
export class LargestOfLate {
  #before = 0;
  #current = 0;
  #count = 0;

  /** 0 while none has come. */
  get bytes(): number {
    return Math.max(this.#before, this.#current);
  }

  note(bytes: number): void {
    if (bytes > this.#current) this.#current = bytes;
    if (++this.#count < messagesMax) return;
    this.#before = this.#current;
    this.#current = 0;
    this.#count = 0;
  }
}
