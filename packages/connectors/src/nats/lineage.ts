import type { ResolvedConnection } from '@laminar/definitions';
import type { Position } from '../contract.js';

/** One of the definitions that read by a durable; `incarnation` tells it from a dropped namesake. */
export interface Sharer {
  readonly name: string;
  readonly incarnation: number;
}

/** What the log says of the place that a definition's readers go on from, and of whose it is, beside the definition itself. Each call says how it is now. */
export interface Lineage {
  /** The definition is still that of its name: it was not dropped, nor another one created in its place. */
  isCurrent(): boolean;
  /** Definitions whose readers use the durable of `form`, but for `owner` and its namesakes. */
  sharers(form: ResolvedConnection, owner: Sharer): readonly Sharer[];
  /** The forms of this definition before its means of reading were changed, newest first, as far back as the place in the stream was to be kept. */
  predecessors(): readonly ResolvedConnection[];
  /** The change that gave the definition its means of reading named another start, too. */
  beginsAnew(): boolean;
  /** The position of a reader without a durable that the mesh keeps for this definition. */
  position(): Promise<Position | undefined>;
  /** How far the definition's durable was seen to have come that the mesh keeps, where it was to be read all the time since; at most as far as it came. */
  lastSeen(): Promise<Position | undefined>;
  /** The same, whatever became of the reading since: it tells which stream was read. */
  seen(): Promise<Position | undefined>;
}

export const noLineage: Lineage = {
  isCurrent: () => true,
  sharers: () => [],
  predecessors: () => [],
  beginsAnew: () => false,
  position: async () => undefined,
  lastSeen: async () => undefined,
  seen: async () => undefined,
};
