// `npm run bench -- reconnects`: a thousand connections of one process to a server that ends and comes back.
import { startMesh } from '../servers/mesh.js';
import { measureReconnecting } from './reconnecting.js';

const connections = 1000;

for (const awayMs of [0, 5000]) {
  const mesh = await startMesh({ query: false });
  try {
    const { back, allBackMs, peakPer100Ms, per100Ms, residentMiB } = await measureReconnecting(
      mesh,
      connections,
      awayMs,
    );
    console.log(
      `the server is away for ${awayMs} ms: ${back} of ${connections} connections back after ${allBackMs} ms`,
    );
    console.log(`  accepted per 100 ms: ${per100Ms.join(' ')} (at most ${peakPer100Ms})`);
    console.log(
      `  resident memory of the ingestion process: ${residentMiB.before} MiB before, ${residentMiB.after} MiB after`,
    );
  } finally {
    await mesh.stop();
  }
}
