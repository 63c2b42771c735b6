import type { Flight } from './flight.js';
import type { Flights } from './flights.js';
import type { Turns } from './turns.js';

export interface HeldOptions {
  readonly flights: Pick<Flights, 'held'>;
  readonly turns: Turns;
  /** Nothing is tried now, nor what is left: somebody begins anew later. */
  isStopped(): boolean;
  /** Messages before them are on their way, which must not be passed by; `goOn` is called when they are not any more. */
  holdsBack(): boolean;
  onBegin(): void;
  tryAgain(flight: Flight): void;
  /** Some were tried. */
  onTried(): void;
}

/** Tries again the messages that are held, in the order of their stream, a turn at a time. */
export class Held {
  /** Those that are left to be tried; undefined where none is being tried. */
  #left: Flight[] | undefined;
  /** All are to be tried once that is possible. */
  #isAsked = false;

  constructor(readonly options: HeldOptions) {}

  /** Some of them wait for their turn. */
  get isTrying(): boolean {
    return this.#left !== undefined;
  }

  /** Tries each once; those that are held again meanwhile are left to the next time. */
  tryAll(): void {
    const { flights, isStopped, holdsBack, onBegin } = this.options;
    if (isStopped()) return;
    this.#isAsked = this.#left !== undefined || holdsBack();
    if (this.#isAsked) return;
    onBegin();
    this.#left = flights.held();
    this.#tryLeft();
  }

  /** What held them back is over. */
  goOn(): void {
    if (this.#isAsked) this.tryAll();
  }

  #tryLeft(): void {
    const { turns, isStopped, tryAgain, onTried } = this.options;
    const left = this.#left ?? [];
    let next = 0;
    for (; next < left.length && !isStopped() && !turns.isOver; next++) {
      const flight = left[next] as Flight;
      // Others may have seen to it since.
      if (flight.held && flight.open === 0) tryAgain(flight);
    }
    onTried();
    this.#left = next < left.length && !isStopped() ? left.slice(next) : undefined;
    if (this.#left) turns.next(() => this.#tryLeft());
    else this.goOn();
  }
}
