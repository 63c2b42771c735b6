// A thread beside the one that is inside SQLite and can't look after itself: ends the process when it takes too much memory, or when nobody waits
// for its answers any more.
import { workerData } from 'node:worker_threads';

const checkIntervalMs = 20;
const { memoryBytesMax, parent } = workerData as { memoryBytesMax: number; parent: number };

setInterval(() => {
  if (process.memoryUsage.rss() > memoryBytesMax || process.ppid !== parent) process.kill(process.pid, 'SIGKILL');
}, checkIntervalMs);
