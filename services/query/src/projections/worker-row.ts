import type { Worker } from '../mesh/worker-board.js';
import type { workers } from '../schema.js';
import { moment } from './moment.js';

export function workerRow(worker: Worker): typeof workers.$inferSelect {
  return {
    instance: worker.instance,
    host: worker.host,
    pid: worker.pid,
    started_at: moment(worker.startedAtMs),
    heartbeat_at: moment(worker.heartbeatAtMs),
    readers: worker.readers,
  };
}
