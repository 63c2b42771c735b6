import type { opentelemetry } from '@laminar/protocol';

type KeyValue = opentelemetry.proto.KeyValue.$Properties;
type AnyValue = opentelemetry.proto.AnyValue.$Properties;

/** OpenTelemetry SDKs set the same limit by default. */
const attributesMax = 128;
const textCharsMax = 4096;
const itemsMax = 128;
const depthMax = 8;

/** Attributes as a JSON object; what is beyond the limits is cut off. An integer beyond 2^53 becomes a text, so that it keeps its digits. */
export function attributesOf(list: readonly KeyValue[] | null | undefined): { [name: string]: unknown } {
  return objectOf(list ?? [], 0);
}

function objectOf(list: readonly KeyValue[], depth: number): { [name: string]: unknown } {
  return Object.fromEntries(
    list.slice(0, attributesMax).map(({ key, value }) => [(key ?? '').slice(0, textCharsMax), jsonOf(value, depth)]),
  );
}

function jsonOf(value: AnyValue | null | undefined, depth: number): unknown {
  if (!value || depth > depthMax) return null;
  if (typeof value.stringValue === 'string') return value.stringValue.slice(0, textCharsMax);
  if (typeof value.boolValue === 'boolean') return value.boolValue;
  if (value.intValue !== null && value.intValue !== undefined) return integerOf(value.intValue.toString());
  if (typeof value.doubleValue === 'number') {
    return Number.isFinite(value.doubleValue) ? value.doubleValue : String(value.doubleValue);
  }
  if (value.arrayValue)
    return (value.arrayValue.values ?? []).slice(0, itemsMax).map((item) => jsonOf(item, depth + 1));
  if (value.kvlistValue) return objectOf(value.kvlistValue.values ?? [], depth + 1);
  if (value.bytesValue) return Buffer.from(value.bytesValue).toString('base64').slice(0, textCharsMax);
  return null;
}

function integerOf(digits: string): number | string {
  const number = Number(digits);
  return Number.isSafeInteger(number) ? number : digits;
}
