import { opentelemetry } from '@laminar/protocol';

const { ExportTraceServiceRequest } = opentelemetry.proto;

export type ExportRequest = opentelemetry.proto.ExportTraceServiceRequest.$Properties;

/** A body that is no OTLP trace export. */
export class MalformedExport extends Error {
  override readonly name = 'MalformedExport';
}

/** Reads the protobuf encoding. Throws `MalformedExport`. */
export function decodeProtobufExport(body: Uint8Array): ExportRequest {
  try {
    return ExportTraceServiceRequest.decode(body);
  } catch (error) {
    throw new MalformedExport(`the body is no ExportTraceServiceRequest: ${reasonOf(error)}`);
  }
}

/**
 * Reads the JSON encoding, which is protobuf's but for ids, which are hexadecimal
 * (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding). Throws `MalformedExport`.
 */
export function decodeJsonExport(body: Uint8Array): ExportRequest {
  try {
    // Ids become bytes on the way, whatever is around them; nothing else of the messages has these names.
    const parsed: unknown = JSON.parse(
      new TextDecoder('utf-8', { fatal: true }).decode(body),
      (name, value: unknown) => (idNames.has(name) && typeof value === 'string' ? bytesOfHex(value) : value),
    );
    if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
      throw new MalformedExport('the body is not a JSON object');
    }
    return ExportTraceServiceRequest.fromObject({ ...parsed });
  } catch (error) {
    if (error instanceof MalformedExport) throw error;
    throw new MalformedExport(`the body is no ExportTraceServiceRequest in JSON: ${reasonOf(error)}`);
  }
}

const idNames: ReadonlySet<string> = new Set(['traceId', 'spanId', 'parentSpanId']);

function bytesOfHex(text: string): Uint8Array {
  if (!/^(?:[0-9a-fA-F]{2})*$/.test(text)) throw new MalformedExport(`"${text.slice(0, 40)}" is no hexadecimal id`);
  return Buffer.from(text, 'hex');
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
