/** What a category of Unicode weighs: it has hundreds of ranges, where what a pattern spells has a few. */
const categoryWeight = 5;

/** How much an automaton has to match, which is what it costs to build: the characters of a pattern, each part as often as its bound says. */
export class PatternWeight {
  /** The whole, and within it the groups that are open. */
  readonly #groups: number[] = [0];
  #last = 0;

  get total(): number {
    return this.#groups.reduce((sum, weight) => sum + weight, 0);
  }

  /** A part, as RE2 writes it. */
  part(source: string): void {
    this.#add(1 + categoryWeight * (source.split('\\p{').length - 1));
  }

  /** A bound behind the last part or group. */
  repeat(times: number): void {
    const repeated = this.#last * times;
    this.#groups.push((this.#groups.pop() ?? 0) - this.#last);
    this.#add(repeated);
  }

  open(): void {
    this.#groups.push(0);
  }

  /** Closes a group; a bracket that nothing opened is for RE2 to refuse. */
  close(): void {
    if (this.#groups.length > 1) this.#add(this.#groups.pop() ?? 0);
  }

  #add(weight: number): void {
    this.#groups.push((this.#groups.pop() ?? 0) + weight);
    this.#last = weight;
  }
}
