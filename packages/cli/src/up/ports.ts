import { createServer, type Server } from 'node:net';
import { ConfigError } from '@laminar/runtime';

/** A port that was in use a moment ago, by a process that is ending, is waited for that long. */
const predecessorTimeoutMs = 1500;
const pollMs = 50;

export interface WantedPort {
  /** The variable that names it. */
  readonly variable: string;
  /** 0 stands for any. */
  readonly port: number;
}

export interface ChosenPort {
  readonly port: number;
  /** Another process listens on the one that was wanted. */
  readonly taken: boolean;
}

/** Ports of `host` to listen on, one for each that is wanted, all different. Throws `ConfigError` where none can be had. */
export async function choosePorts(host: string, wanted: readonly WantedPort[]): Promise<ChosenPort[]> {
  const held: Server[] = [];
  try {
    const chosen: ChosenPort[] = [];
    for (const each of wanted) {
      const server = await holdWanted(host, each);
      held.push(server ?? (await hold(host, 0, each.variable)));
      chosen.push({ port: portOf(held.at(-1)), taken: server === undefined });
    }
    return chosen;
  } finally {
    await Promise.all(held.map((server) => new Promise((resolve) => server.close(resolve))));
  }
}

async function holdWanted(host: string, { variable, port }: WantedPort): Promise<Server | undefined> {
  const deadline = performance.now() + predecessorTimeoutMs;
  while (performance.now() < deadline) {
    try {
      return await hold(host, port, variable);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
  return undefined;
}

async function hold(host: string, port: number, variable: string): Promise<Server> {
  const server = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, resolve);
    });
    return server;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EACCES') throw new ConfigError(`${variable}: this user may not listen on port ${port}`);
    if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
      throw new ConfigError(`LAMINAR_HOST: this machine has no address ${host}`);
    throw error;
  }
}

function portOf(server: Server | undefined): number {
  const address = server?.address();
  if (typeof address !== 'object' || address === null) throw new Error('a server that listens on TCP has a port');
  return address.port;
}
