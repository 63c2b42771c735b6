import { eventually } from '../../eventually.js';
import type { TestNats } from '../../servers/nats.js';
import { retried } from '../definitions.js';
import type { Fault, Scene } from '../fault.js';
import { chaosPipelines, inputStream, outputStream } from '../pipelines.js';
import type { Stage } from '../stage.js';

const holds = (): readonly string[] => ['server'];
const wholeTimeoutMs = 120_000;
const definitionsStream = 'KV_laminar_definitions';

const only = ({ stage }: Scene): TestNats => stage.servers[0] as TestNats;

/** Servers that restart and die; in a cluster one after the other, since two of three at once leave no quorum. */
export const serverFaults: readonly Fault[] = [
  {
    name: 'restart',
    weight: 2,
    stages: ['single'],
    targets: ['the server'],
    durationMs: [0, 3000],
    holds,
    apply: (scene) => only(scene).down(),
    heal: (scene) => only(scene).up(),
  },
  {
    name: 'kill',
    weight: 2,
    stages: ['single'],
    targets: ['the server'],
    durationMs: [0, 3000],
    holds,
    apply: async (scene) => only(scene).kill('SIGKILL'),
    heal: (scene) => only(scene).up(),
  },
  {
    name: 'kill the leader of',
    weight: 8,
    stages: ['cluster'],
    targets: [inputStream, outputStream('once'), outputStream('several'), definitionsStream],
    durationMs: [0, 3000],
    holds,
    apply: async ({ stage }, { target }) => {
      await whole(stage);
      const leader = await retried(`the leader of ${target}`, () => leaderOf(stage, target));
      const server = stage.cluster?.server(leader);
      server?.kill('SIGKILL');
      await eventually(() => !isAlive(server?.pid ?? 0), { what: `${leader} to be dead` });
    },
    heal: ({ stage }) => everyServerUp(stage),
  },
  {
    name: 'restart the leader of',
    weight: 3,
    stages: ['cluster'],
    targets: [inputStream, outputStream('once')],
    durationMs: [0, 3000],
    holds,
    apply: async ({ stage }, { target }) => {
      await whole(stage);
      const leader = await retried(`the leader of ${target}`, () => leaderOf(stage, target));
      await stage.cluster?.server(leader).down();
    },
    heal: ({ stage }) => everyServerUp(stage),
  },
];

async function leaderOf({ jsm }: Stage, stream: string): Promise<string> {
  const { leader } = (await jsm.streams.info(stream)).cluster ?? {};
  if (!leader) throw new Error(`${stream} has no leader`);
  return leader;
}

/** The one that is down comes up; the others run. */
async function everyServerUp({ servers }: Stage): Promise<void> {
  for (const server of servers) if (!isAlive(server.pid)) await server.up();
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Waits until every stream of the campaign, and the log of definitions, stands on all servers. */
async function whole({ jsm }: Stage): Promise<void> {
  const streams = [
    inputStream,
    definitionsStream,
    ...chaosPipelines.filter(({ jetstream }) => jetstream).map(({ name }) => outputStream(name)),
  ];
  await eventually(
    async () => {
      for (const stream of streams) {
        const { leader, replicas = [] } = (await jsm.streams.info(stream)).cluster ?? {};
        if (!leader || replicas.length < 2 || replicas.some(({ current, offline }) => !current || offline))
          throw new Error(`${stream} is not whole: ${JSON.stringify(replicas)}`);
      }
      return true;
    },
    { what: 'the cluster to be whole', timeoutMs: wholeTimeoutMs },
  );
}
