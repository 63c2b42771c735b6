import type { Definitions } from './definitions.js';
import type { Stored } from './ledger.js';
import type { FaultKind, PlannedFault } from './schedule.js';
import type { Stage, StageKind } from './stage.js';

/** What a fault has at hand. */
export interface Scene {
  readonly stage: Stage;
  readonly definitions: Definitions;
  readonly stored: Stored;
  /** Every row is out of the messages before this one. */
  floor(): number;
}

/** One way in which things go wrong, and how they are put right; it keeps nothing of its own in between. */
export interface Fault extends FaultKind {
  readonly stages: readonly StageKind[];
  /** What it has for itself while it lasts: faults that hold the same are done one after the other. */
  holds(target: string): readonly string[];
  apply(scene: Scene, fault: PlannedFault): Promise<void>;
  /** After the fault's duration. */
  heal(scene: Scene, fault: PlannedFault): Promise<void>;
}

export const instant = [0, 0] as const;
export const nothing = async (): Promise<void> => undefined;
