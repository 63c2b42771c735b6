/** Reads the payloads of one format. Chosen once per reader; what it gives is shared by all pipelines over the connection. */
export interface Codec {
  /** The value of a payload, never undefined. Throws `DecodeError`. */
  decode(data: Uint8Array): unknown;
}
