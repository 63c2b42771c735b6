/** A place in a stream, up to which everything is done. */
export interface ReadPosition {
  /** Tells the stream from one of the same name. */
  readonly incarnation: string;
  readonly sequence: number;
}

/**
 * How far a source was read, for as long as somebody runs it: a durable that was deleted meanwhile is made again from there. What outlives the process is
 * the durable itself, and what was last seen of it.
 */
export class PositionMemory {
  position: ReadPosition | undefined;
}

/** Of a stream, by when it was created. */
export const incarnationOf = ({ created }: { readonly created: string }): string => Date.parse(created).toString(36);
