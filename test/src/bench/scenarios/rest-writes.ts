import { Agent, request } from 'node:http';
import { buckets, streamOfBucket } from '@laminar/protocol';
import { jetstreamManager } from '@nats-io/jetstream';
import { startBaseline } from '../baseline-process.js';
import { comparedFigure } from '../figures.js';
import { inTurn } from '../in-turn.js';
import { withMesh } from '../laminar.js';
import { type Scenario, scaled } from '../scenario.js';

const writes = 1_000;
const clients = 16;

/** Definitions written over REST, beside a bare web server that appends what it gets to a stream. */
export const restWrites: Scenario = {
  name: 'rest-writes',
  title: `connections posted by ${clients} clients at once, each answered when its event is stored`,
  measure: ({ runs, scale }) =>
    withMesh(async ({ mesh, nc }) => {
      const jsm = await jetstreamManager(nc);
      await jsm.streams.add({ name: 'HAND_LOG', subjects: ['hand.log.>'] });
      const bare = await startBaseline('rest-append', mesh.nats.url);
      const agent = new Agent({ keepAlive: true, maxSockets: clients });
      try {
        const count = scaled(writes, scale, clients);
        const bareUrl = String(await bare.ask('url'));
        let posted = 0;
        const run = (url: string) => {
          const from = posted;
          posted += count;
          return writesPerSecond(agent, url, mesh.nats.url, from, count);
        };
        const { ours, theirs } = await inTurn(runs, {
          ours: () => run(`${mesh.controlPlanes[0]?.url}/api/v1/connections`),
          theirs: () => run(`${bareUrl}/connections`),
        });
        const written = (runs + 1) * count;
        const appended = (await jsm.streams.info('HAND_LOG')).state.messages;
        const events = (await jsm.streams.info(streamOfBucket(buckets.definitions))).state.messages;
        if (appended !== written || events !== written) {
          throw new Error(`${events} events and ${appended} entries are stored instead of ${written} each`);
        }
        const baseline = { name: 'bare Fastify and JetStream', values: theirs };
        return { figures: [comparedFigure('writes', '/s', ours, baseline)] };
      } finally {
        agent.destroy();
        await bare.stop();
      }
    }),
};

/** Posts connections of new names, each client one after the other. Throws where one is not created. */
async function writesPerSecond(
  agent: Agent,
  url: string,
  servers: string,
  from: number,
  count: number,
): Promise<number> {
  let next = from;
  const client = async () => {
    while (next < from + count) {
      const name = `c${next++}`;
      const options = { servers, subject: `${name}.>`, type: 'source', format: 'json' };
      await create(agent, url, JSON.stringify({ name, connector: 'nats', options }));
    }
  };
  const startedMs = performance.now();
  await Promise.all(Array.from({ length: clients }, client));
  return count / ((performance.now() - startedMs) / 1_000);
}

/** By `node:http`, which takes less of the machine from the server than `fetch` does. */
function create(agent: Agent, url: string, body: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const posting = request(url, { method: 'POST', agent, headers }, (response) => {
      let answer = '';
      response.on('data', (data) => (answer += data));
      response.on('error', reject);
      response.on('end', () => {
        if (response.statusCode === 201) resolve();
        else reject(new Error(`${url}: ${response.statusCode} ${answer}`));
      });
    });
    posting.on('error', reject);
    posting.end(body);
  });
}
