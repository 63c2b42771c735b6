/** A message as a reader hands it over, whatever it came from. Fields that do not apply are undefined. */
export interface Message {
  readonly data: Uint8Array;
  readonly subject: string;
  readonly reply: string | undefined;
  /** Each header name to its values in order, or undefined where there are none. Made when asked for. */
  headers(): { [name: string]: string[] } | undefined;
  /** One header's first value; cheap, for the hot path. */
  header(name: string): string | undefined;
  /** Unix milliseconds: when JetStream stored it, or when a core subscription received it. */
  readonly timestampMs: number;
  readonly sequence: number | undefined;
  readonly stream: string | undefined;
  readonly consumer: string | undefined;
  /** 1 on first delivery. */
  readonly delivered: number | undefined;
}
