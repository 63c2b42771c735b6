/** Many more at once make a server that is busy late for all of them, those that it greets last fall out of its own time limits, and their work was for nothing. */
const dialsAtOnce = 32;
/** A server that answers takes less; of one that does not answer nobody learns anything by waiting for it. */
const slowMs = 100;

interface Lane {
  /** Dials that have not ended and are not slow yet. */
  underWay: number;
  readonly waiting: (() => void)[];
}

/**
 * Lets what a process dials to each server, by its address, a few at a time, first come first served, however many connections lost it in the same moment: the next
 * goes when one before it was let in or refused, so that they come as quickly as the server takes them. One that takes long no longer stands in the way of others.
 */
export class DialGate {
  readonly #lanes = new Map<string, Lane>();

  /** Dials once it is its turn, and gives what became of that. */
  async pass<T>(server: string, dial: () => Promise<T>): Promise<T> {
    const lane = await this.#enter(server);
    const leave = () => {
      clearTimeout(slow);
      if (hasLeft) return;
      hasLeft = true;
      const next = lane.waiting.shift();
      // It goes on in the place of this one.
      if (next) next();
      else if (--lane.underWay === 0) this.#lanes.delete(server);
    };
    let hasLeft = false;
    const slow = setTimeout(leave, slowMs);
    try {
      return await dial();
    } finally {
      leave();
    }
  }

  async #enter(server: string): Promise<Lane> {
    const lane = this.#lanes.get(server) ?? { underWay: 0, waiting: [] };
    this.#lanes.set(server, lane);
    if (lane.underWay < dialsAtOnce) lane.underWay++;
    else await new Promise<void>((resolve) => lane.waiting.push(resolve));
    return lane;
  }
}

/** Of this process. */
export const dialGate = new DialGate();
