import { setTimeout as wait } from 'node:timers/promises';
import type { Fault, Scene } from './fault.js';
import { describeFault, type PlannedFault } from './schedule.js';

/** A fault as it went; milliseconds of the campaign. */
export interface Incident {
  readonly fault: PlannedFault;
  readonly fromMs: number;
  /** So many messages were stored when it began. */
  readonly stored: number;
  /** It was put right. */
  healedMs?: number;
  /** Every pipeline had given a row since it began. */
  progressMs?: number;
  /** All that was stored when it began was out. */
  recoveredMs?: number;
}

export interface IncidentsOptions {
  readonly scene: Scene;
  readonly faults: readonly Fault[];
  readonly schedule: readonly PlannedFault[];
  readonly signal: AbortSignal;
  /** Milliseconds of the campaign. */
  now(): number;
  /** Rows of each pipeline up to now. */
  rows(): readonly number[];
  say(line: string): void;
}

/** Does what the schedule says, and takes the time of each recovery. */
export class Incidents {
  readonly list: Incident[] = [];
  readonly #next: PlannedFault[];
  readonly #held = new Map<string, Promise<void>>();
  readonly #running = new Set<Promise<void>>();
  readonly #rowsBefore = new Map<Incident, readonly number[]>();
  #failure: unknown;

  constructor(readonly options: IncidentsOptions) {
    this.#next = [...options.schedule];
  }

  /** Begins what is due with so many messages stored; nothing here waits for it. Throws what went wrong with a fault before. */
  due(stored: number): void {
    if (this.#failure) throw this.#failure;
    for (let next = this.#next[0]; next && next.at <= stored; next = this.#next[0]) {
      this.#next.shift();
      const running = this.#inTurn(next).catch((error) => {
        this.#failure ??= new Error(`${describeFault(next)}: the fault itself could not be done`, { cause: error });
      });
      this.#running.add(running);
      void running.then(() => this.#running.delete(running));
    }
  }

  /** Looks which of them are recovered from. */
  look(): void {
    const { scene, now, rows, say } = this.options;
    const floor = scene.floor();
    const rowsNow = rows();
    for (const [incident, before] of this.#rowsBefore) {
      if (incident.progressMs === undefined && rowsNow.every((count, i) => count > (before[i] ?? 0)))
        incident.progressMs = now();
      if (incident.recoveredMs === undefined && floor >= incident.stored) incident.recoveredMs = now();
      const { fault, fromMs, progressMs, recoveredMs } = incident;
      if (progressMs === undefined || recoveredMs === undefined) continue;
      this.#rowsBefore.delete(incident);
      const seconds = (ms: number) => `${(Math.max(0, ms - fromMs) / 1000).toFixed(1)} s`;
      say(
        `fault ${fault.index}: new rows after ${seconds(progressMs)}, all that was in is out after ${seconds(recoveredMs)}`,
      );
    }
  }

  /** Resolves when every fault that has begun is put right. */
  async healed(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
    if (this.#failure) throw this.#failure;
  }

  /** Those that were under way at some time between. */
  around(fromMs: number, untilMs: number): Incident[] {
    return this.list.filter(
      (incident) => incident.fromMs <= untilMs && (incident.recoveredMs ?? Number.POSITIVE_INFINITY) >= fromMs,
    );
  }

  async #inTurn(planned: PlannedFault): Promise<void> {
    const { faults } = this.options;
    const fault = faults.find(({ name }) => name === planned.kind);
    if (!fault) throw new Error(`there is no fault "${planned.kind}"`);
    const keys = fault.holds(planned.target);
    const before = keys.flatMap((key) => this.#held.get(key) ?? []);
    const doing = Promise.allSettled(before).then(() => this.#do(fault, planned));
    for (const key of keys) this.#held.set(key, doing);
    await doing;
  }

  async #do(fault: Fault, planned: PlannedFault): Promise<void> {
    const { scene, signal, now, rows, say } = this.options;
    if (signal.aborted) return;
    const incident: Incident = { fault: planned, fromMs: now(), stored: scene.stored.count };
    this.list.push(incident);
    this.#rowsBefore.set(incident, rows());
    say(`${(now() / 1000).toFixed(1)} s, ${scene.stored.count} stored: ${describeFault(planned)}`);
    await fault.apply(scene, planned);
    await wait(planned.durationMs, undefined, { signal });
    await fault.heal(scene, planned);
    incident.healedMs = now();
  }
}
