import { startMesh } from '../../servers/mesh.js';
import { figure } from '../figures.js';
import { measureReconnecting } from '../reconnecting.js';
import { type Figure, type Scenario, scaled } from '../scenario.js';

const connections = 1_000;
/** A server that is restarted, and one that stays away until clients only try now and then. */
const awayMs = [0, 5_000];

/** A thousand connections of one process to a server that ends and comes back. Measured once, since each time takes a mesh of its own. */
export const reconnects: Scenario = {
  name: 'reconnects',
  title: `${connections} connections of one process, whose server ends and comes back; once`,
  async measure({ scale }) {
    const count = scaled(connections, scale, 10);
    const figures: Figure[] = [];
    const notes: string[] = [];
    for (const away of awayMs) {
      const mesh = await startMesh({ query: false });
      try {
        const { back, allBackMs, peakPer100Ms, per100Ms, residentMiB } = await measureReconnecting(
          mesh,
          count,
          away * scale,
        );
        if (back !== count) throw new Error(`${back} of ${count} connections are back`);
        const after = away === 0 ? 'after a restart' : `after ${away / 1_000} s`;
        figures.push(
          figure(`${after}: the last is back after`, 's', [allBackMs / 1_000]),
          figure(`${after}: accepted at most within a tenth of a second`, 'connections', [peakPer100Ms]),
          figure(`${after}: resident memory of the process`, 'MiB', [residentMiB.after]),
        );
        notes.push(`${after}, accepted within each tenth of a second: ${per100Ms.join(' ')}`);
      } finally {
        await mesh.stop();
      }
    }
    return { figures, notes };
  },
};
