import { Random } from './random.js';

/** What of a fault the schedule is concerned with. */
export interface FaultKind {
  readonly name: string;
  /** How often it is chosen, beside the others. */
  readonly weight: number;
  /** What it can be done to. */
  readonly targets: readonly string[];
  /** How long it lasts, from and to. */
  readonly durationMs: readonly [min: number, max: number];
}

export interface PlannedFault {
  /** From 1, in the order of the schedule. */
  readonly index: number;
  /** It begins once so many messages are stored. */
  readonly at: number;
  readonly kind: string;
  readonly target: string;
  readonly durationMs: number;
}

export interface ScheduleOptions {
  readonly seed: number;
  readonly messages: number;
  readonly faults: number;
  readonly kinds: readonly FaultKind[];
}

/** The first and last messages are fed in peace: each fault has something under way, and something to be seen by after it. */
const quietShare = 0.02;
/** So many of the faults begin together with the one before. */
const togetherShare = 0.15;

/**
 * What happens when, in the order of positions, which are counted in messages so that a slow machine sees the same as a fast one. Each kind comes at least once where there are faults enough; the others are
 * chosen by weight.
 */
export function scheduleOf({ seed, messages, faults, kinds }: ScheduleOptions): PlannedFault[] {
  if (kinds.length === 0) return [];
  const random = new Random(seed);
  const chosen = random.shuffled(kinds).slice(0, faults);
  while (chosen.length < faults) chosen.push(random.weighted(kinds));
  const [from, room] = [messages * quietShare, messages * (1 - 2 * quietShare)];
  let at = 0;
  return random.shuffled(chosen).map((kind, i) => {
    const own = Math.floor(from + ((i + random.next()) * room) / faults);
    if (i === 0 || random.next() >= togetherShare) at = own;
    const target = random.pick(kind.targets);
    return { index: i + 1, at, kind: kind.name, target, durationMs: random.integer(...kind.durationMs) };
  });
}

/** One line, the same in every run of a seed. */
export const describeFault = ({ index, at, kind, target, durationMs }: PlannedFault): string =>
  `${index}. at ${at}: ${kind} ${target}, ${durationMs} ms`;
