import { setTimeout as wait } from 'node:timers/promises';
import { deadLetterFindings } from './dead-letters.js';
import { Definitions } from './definitions.js';
import type { Scene } from './fault.js';
import { faultsOf } from './fault-table.js';
import { shortWindowMs } from './faults/beyond-window.js';
import { canLimitFiles } from './faults/machine.js';
import { Feed } from './feed.js';
import { Incidents } from './incidents.js';
import { PipelineLedger, Stored } from './ledger.js';
import { Messages } from './messages.js';
import { type Outcome, outcomeOf } from './outcome.js';
import { Outputs } from './outputs.js';
import { chaosPipelines, chaosSources, inputStream } from './pipelines.js';
import { scheduleOf } from './schedule.js';
import type { UnwantedEnd } from './services.js';
import { Stage, type StageKind } from './stage.js';
import { unlessAborted } from './unless-aborted.js';

/** Messages that are stored together. */
const windowMessages = 250;
/** Messages that may be stored and not yet out of the slowest pipeline. */
const aheadMax = 20_000;
/** Messages a second that are stored at most, so that a fault has lasted for a while when the next one begins. */
const rateMax = 5000;
const lookMs = 50;
/** Nothing came out for so long though something is owed: nothing comes any more. */
const hopelessMs = 180_000;
/** The slowest pipeline owes something and has not come further for so long: it is said how everything stands. */
const standstillMs = 15_000;
const defaultWindowMs = 120_000;

export interface CampaignOptions {
  readonly stage: StageKind;
  readonly seed: number;
  readonly messages: number;
  readonly faults: number;
  /** The messages are spread over so much time at least; 0 feeds them at a rate of its own. */
  readonly spreadMs: number;
  /** Outages longer than the output's duplicate window are among the faults. */
  readonly beyondWindow: boolean;
  /** Ends the campaign early. */
  readonly signal: AbortSignal;
  say(line: string): void;
}

/** Feeds numbered messages through a mesh while faults happen to it, and holds what comes out against what was promised. Leaves nothing behind. */
export async function runCampaign(options: CampaignOptions): Promise<Outcome> {
  const { stage: kind, seed, messages: count, beyondWindow, signal, say } = options;
  const faults = faultsOf(kind, beyondWindow).filter(({ name }) => {
    const isPossible = !name.startsWith('no room on the disk') || canLimitFiles();
    if (!isPossible) say(`left out: "${name}", since there is no prlimit here`);
    return isPossible;
  });
  const schedule = scheduleOf({ seed, messages: count, faults: options.faults, kinds: faults });
  const messages = new Messages(seed, count, schedule);
  const stored = new Stored(count);
  const ledgers = chaosPipelines.map((pipeline) => new PipelineLedger(pipeline, messages, stored));
  const unwantedEnds: UnwantedEnd[] = [];
  const onUnwantedEnd = (end: UnwantedEnd) => {
    unwantedEnds.push(end);
    say(`${end.name} ended by itself with ${end.code}: ${end.said}`);
  };
  const stage = await Stage.start({ kind, signal, onUnwantedEnd });
  const startedMs = performance.now();
  const now = () => performance.now() - startedMs;
  const floor = () => Math.min(...ledgers.map((ledger) => ledger.floor));
  const rows = () => ledgers.map(({ out }) => out);
  const outputs = new Outputs(stage, ledgers, now);
  const play = async (): Promise<Outcome> => {
    const definitions = new Definitions(stage);
    await definitions.create(beyondWindow ? shortWindowMs : defaultWindowMs);
    await outputs.start();
    const scene: Scene = { stage, definitions, stored, floor };
    const incidents = new Incidents({ scene, faults, schedule, signal, now, rows, say });
    const progress = new Progress({
      floor,
      rows,
      owes: () => floor() < stored.count,
      onLook: () => incidents.look(),
      onStandstill: () => void sayStanding(stage, definitions, ledgers, say),
    });
    const feed = new Feed(stage.nc, messages, stored, now);
    const feedingMs = now();
    while (stored.count < count && !progress.isHopeless) {
      signal.throwIfAborted();
      incidents.due(stored.count);
      const dueMs = Math.max((stored.count / count) * options.spreadMs, (stored.count / rateMax) * 1000);
      if (now() - feedingMs < dueMs || stored.count - floor() > aheadMax) await progress.rest();
      else {
        await feed.store(windowMessages);
        progress.look();
      }
    }
    await incidents.healed();
    while (floor() < stored.count && !progress.isHopeless) await progress.rest();
    if (floor() < stored.count) await sayStanding(stage, definitions, ledgers, say);
    await outputs.complete();
    progress.look();
    const letters = await deadLetterFindings(definitions, messages, stored);
    return outcomeOf({ options, ledgers, incidents, letters, unwantedEnds, elapsedMs: now() });
  };
  try {
    return await unlessAborted(signal, play());
  } finally {
    await outputs.stop();
    await stage.stop();
  }
}

/** How everything stands: what each pipeline has still to do, what the servers say of the durables, and what the mesh says of itself. */
async function sayStanding(
  stage: Stage,
  definitions: Definitions,
  ledgers: readonly PipelineLedger[],
  say: (line: string) => void,
): Promise<void> {
  try {
    for (const { pipeline, floor } of ledgers)
      say(`standing: everything before message ${floor} is out of ${pipeline.name}`);
    for (const { durable } of chaosSources) {
      if (durable === undefined) continue;
      const { num_pending, num_ack_pending, num_redelivered, num_waiting, delivered, ack_floor } =
        await stage.jsm.consumers.info(inputStream, durable);
      const counts = { num_pending, num_ack_pending, num_redelivered, num_waiting };
      say(`standing: ${durable}: ${JSON.stringify({ ...counts, delivered, ack_floor })}`);
    }
    for (const line of await definitions.states()) say(`standing: ${line}`);
  } catch (error) {
    say(`standing: not to be found out: ${error}`);
  }
}

interface ProgressOptions {
  floor(): number;
  rows(): readonly number[];
  /** Something is stored and not yet out. */
  owes(): boolean;
  onLook(): void;
  /** Once for each time that nothing moves. */
  onStandstill(): void;
}

/** How far everything has come, looked at often enough to time recoveries. */
class Progress {
  #rows = 0;
  #movedMs = performance.now();
  #floor = 0;
  #floorMovedMs = performance.now();
  #said = false;

  constructor(readonly options: ProgressOptions) {}

  /** Nothing has come out for so long that what is owed is lost. */
  get isHopeless(): boolean {
    return performance.now() - this.#movedMs > hopelessMs;
  }

  look(): void {
    const nowMs = performance.now();
    const rows = this.options.rows().reduce((sum, count) => sum + count, 0);
    if (rows !== this.#rows) this.#movedMs = nowMs;
    this.#rows = rows;
    const floor = this.options.floor();
    if (floor !== this.#floor || !this.options.owes()) {
      this.#floorMovedMs = nowMs;
      this.#said = false;
    } else if (!this.#said && nowMs - this.#floorMovedMs > standstillMs) {
      this.#said = true;
      this.options.onStandstill();
    }
    this.#floor = floor;
    this.options.onLook();
  }

  async rest(): Promise<void> {
    await wait(lookMs);
    this.look();
  }
}
