import type { Provision } from '@laminar/connectors';
import type { ConnectionSpec } from '../desired/slot.js';

/** A definition is provisioned within moments; a durable that is missing after that long was there before, or could not be made until now. */
const provisionedWithinMs = 60_000;

/** What a connection's state says of how its stream and durable were found. */
export function provisionNote(
  { remark, isNew }: Provision,
  { cause }: ConnectionSpec,
  nowMs: number,
): string | undefined {
  if (!isNew || nowMs - cause.atMs < provisionedWithinMs) return remark;
  return 'the consumer was missing, and nobody knew how far it had come; it was made, and begins where the option start says';
}
