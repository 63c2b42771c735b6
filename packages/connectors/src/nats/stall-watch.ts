/** A process that stood still for less is not noticed by a server. */
const stallMsMin = 1000;
/** How long after it a stall explains a lost connection. */
const relevantMs = 10_000;

/**
 * Notices that the process did not get to run. The client reads its socket as fast as it can, so that this is when a server takes it for a slow
 * consumer; servers cut those without a word.
 */
export class StallWatch {
  #tickedMs: number | undefined;
  #stall: { readonly ms: number; readonly endMs: number } | undefined;

  /** `tick` is to be called every `intervalMs`. */
  constructor(readonly intervalMs: number) {}

  tick(nowMs = performance.now()): void {
    this.#note(nowMs);
    this.#tickedMs = nowMs;
  }

  /** What to add to the news of a lost connection; empty where nothing points to a stall. */
  hint(nowMs = performance.now()): string {
    this.#note(nowMs);
    if (!this.#stall || nowMs - this.#stall.endMs > relevantMs) return '';
    const seconds = (this.#stall.ms / 1000).toFixed(1);
    return `: this process stood still for ${seconds} s before, so that the server may have cut it as a slow consumer`;
  }

  #note(nowMs: number): void {
    const lateMs = nowMs - (this.#tickedMs ?? nowMs) - this.intervalMs;
    if (lateMs >= stallMsMin) this.#stall = { ms: lateMs, endMs: nowMs };
  }
}
