import { headers, type MsgHdrs } from '@nats-io/nats-core';

/** What servers from 2.10 on say where all messages of a pull have come and not all of its bytes; the one of a test may be older. */
export function pullServed(): MsgHdrs {
  const status = headers(409, 'Batch Completed');
  status.set('Nats-Pending-Messages', '0');
  status.set('Nats-Pending-Bytes', '1000');
  return status;
}
