import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/** Below the ports that systems give to outgoing connections, any of which could take one that was free a moment ago. */
const first = 10_000;
const end = 32_000;
const attemptsMax = 100;
/** Test files that run at once choose among ports of their own: a service listens on its port a second or more after it was chosen. */
const classes = 8;
const own = Number(process.env.VITEST_POOL_ID ?? process.pid) % classes;
const given = new Set<number>();

/** A TCP port of 127.0.0.1 that nobody listens on now, and that this process gave to nobody before. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const port = first + own + classes * randomInt(Math.floor((end - first) / classes));
    if (given.has(port)) continue;
    given.add(port);
    if (await isFree(port)) return port;
  }
  throw new Error(`none of ${attemptsMax} ports between ${first} and ${end} is free`);
}

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
