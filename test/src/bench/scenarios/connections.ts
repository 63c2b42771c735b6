import { type MonitoredNats, startMonitoredNats } from '../../servers/monitored-nats.js';
import { type BaselineProcess, startBaseline } from '../baseline-process.js';
import { comparedFigure } from '../figures.js';
import { inTurn } from '../in-turn.js';
import { withMesh } from '../laminar.js';
import { residentMiB } from '../process-usage.js';
import { type Scenario, scaled } from '../scenario.js';

const connections = 1_000;

interface Herd {
  readonly connectedMs: number;
  readonly residentMiB: number;
}

/** A thousand connections, defined, applied and connected, beside a thousand plain sockets of one process. */
export const thousandConnections: Scenario = {
  name: 'connections',
  title: `${connections} connections to one server, each with a pipeline, from the first statement to the last subscription`,
  async measure({ runs, scale }) {
    const server = await startMonitoredNats({ jetstream: false });
    try {
      const count = scaled(connections, scale, 10);
      const { ours, theirs } = await inTurn(
        runs,
        { ours: () => measureOurs(server, count), theirs: () => measureSockets(server, count) },
        { warmUp: false },
      );
      const name = 'plain sockets of nats.js';
      const time = ({ connectedMs }: Herd) => connectedMs / 1_000;
      const memory = (herd: Herd) => herd.residentMiB;
      return {
        figures: [
          comparedFigure('all are connected after', 's', ours.map(time), { name, values: theirs.map(time) }),
          comparedFigure('resident memory of the process', 'MiB', ours.map(memory), {
            name,
            values: theirs.map(memory),
          }),
        ],
      };
    } finally {
      await server.stop();
    }
  },
};

/** Each time on a mesh of its own, whose ingestion process has held nothing before. */
function measureOurs(server: MonitoredNats, count: number): Promise<Herd> {
  return withMesh(async ({ define, ingestionPid }) => {
    const statements = Array.from({ length: count }, (_, i) => [
      `CREATE CONNECTION herd_${i} TO nats (servers = '${server.url}', subject = 'herd.${i}', type = 'source', format = 'json')`,
      `CREATE PIPELINE of_herd_${i} AS SELECT * FROM herd_${i}`,
    ]).flat();
    const startedMs = performance.now();
    await define(statements, 'applied');
    const connectedMs = performance.now() - startedMs;
    await expectSubscribed(server, 'laminar', count);
    return { connectedMs, residentMiB: residentMiB(ingestionPid) };
  });
}

async function measureSockets(server: MonitoredNats, count: number): Promise<Herd> {
  const sockets: BaselineProcess = await startBaseline('sockets', server.url);
  try {
    const startedMs = performance.now();
    await sockets.ask(count);
    const connectedMs = performance.now() - startedMs;
    await expectSubscribed(server, 'plain', count);
    return { connectedMs, residentMiB: residentMiB(sockets.pid) };
  } finally {
    await sockets.stop();
  }
}

/** Throws where the server does not know of all of them. */
async function expectSubscribed(server: MonitoredNats, name: string, count: number): Promise<void> {
  const clients = (await server.clients(name)).filter((client) => client.subscriptions > 0);
  if (clients.length !== count) throw new Error(`${clients.length} of ${count} connections have a subscription`);
}
