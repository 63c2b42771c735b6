const leastBits = 6;
/** Of an empty place; keys are not negative. */
const none = -1;
/** 2^32 divided by the golden ratio: multiplied by it, numbers that follow each other stand far from each other (Knuth, The Art of Computer Programming, 6.4). */
const scatter = 0x9e3779b1;

/**
 * Values by whole numbers from 0, for what comes and goes with each message: a hash table in which each value stands at the place of its number or, where that is
 * taken, at the next that is free.
 *
 * A `Map` would do the same, but leaves its table behind, with all that was in it, each time that it makes room among what was deleted, and the table points to its successor
 * (V8's `OrderedHashTable`). Once a full collection has moved one of them to the old generation, dead or not, every scavenge takes all later ones for alive:
 * each message would be copied twice and stay until the next full collection, which comes soon then.
 */
export class NumberMap<V> {
  #bits = leastBits;
  #mask = 2 ** leastBits - 1;
  #keys = emptyKeys(2 ** leastBits);
  #values: (V | undefined)[] = new Array(2 ** leastBits);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(key: number): V | undefined {
    return this.#values[this.#placeOf(key)];
  }

  has(key: number): boolean {
    return this.#keys[this.#placeOf(key)] === key;
  }

  set(key: number, value: V): void {
    let place = this.#placeOf(key);
    if (this.#keys[place] === none) {
      if (this.#size * 2 > this.#mask) {
        this.#grow();
        place = this.#placeOf(key);
      }
      this.#keys[place] = key;
      this.#size++;
    }
    this.#values[place] = value;
  }

  /** Whether it was there. */
  delete(key: number): boolean {
    let gap = this.#placeOf(key);
    if (this.#keys[gap] === none) return false;
    // What stands behind it because its own place was taken moves up, so that it is found without a mark that something was here.
    for (let place = (gap + 1) & this.#mask; this.#keys[place] !== none; place = (place + 1) & this.#mask) {
      const home = this.#homeOf(this.#keys[place] as number);
      const isBetween = gap <= place ? gap < home && home <= place : gap < home || home <= place;
      if (isBetween) continue;
      this.#keys[gap] = this.#keys[place] as number;
      this.#values[gap] = this.#values[place];
      gap = place;
    }
    this.#keys[gap] = none;
    this.#values[gap] = undefined;
    this.#size--;
    return true;
  }

  clear(): void {
    this.#allocate(leastBits);
  }

  /** By ascending keys; what changes afterwards does not show in it. */
  entries(): [number, V][] {
    const entries: [number, V][] = [];
    this.#keys.forEach((key, place) => {
      if (key !== none) entries.push([key, this.#values[place] as V]);
    });
    return entries.sort(([a], [b]) => a - b);
  }

  /** In no order; what changes afterwards does not show in it. */
  values(): V[] {
    const values: V[] = [];
    this.#keys.forEach((key, place) => {
      if (key !== none) values.push(this.#values[place] as V);
    });
    return values;
  }

  #homeOf(key: number): number {
    return Math.imul(key, scatter) >>> (32 - this.#bits);
  }

  /** Of the key, or of the empty place where it would go. */
  #placeOf(key: number): number {
    let place = this.#homeOf(key);
    while (this.#keys[place] !== key && this.#keys[place] !== none) place = (place + 1) & this.#mask;
    return place;
  }

  #grow(): void {
    const keys = this.#keys;
    const values = this.#values;
    this.#allocate(this.#bits + 1);
    keys.forEach((key, place) => {
      if (key !== none) this.set(key, values[place] as V);
    });
    // The table that is left keeps nothing alive.
    values.fill(undefined);
  }

  #allocate(bits: number): void {
    const capacity = 2 ** bits;
    this.#bits = bits;
    this.#mask = capacity - 1;
    this.#keys = emptyKeys(capacity);
    this.#values = new Array(capacity);
    this.#size = 0;
  }
}

const emptyKeys = (capacity: number): Float64Array => new Float64Array(capacity).fill(none);
