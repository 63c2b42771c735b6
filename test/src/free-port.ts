import { randomInt } from 'node:crypto';
import { createServer, type Server } from 'node:net';

/** Below the ports that systems give to outgoing connections, any of which could take one that was free a moment ago. */
const first = 10_000;
const end = 32_000;
/**
 * Ports that a process takes for itself at once. It listens on the first of them for as long as it lives, so that no other test that runs meanwhile gives any: a service listens a second or more after its
 * port was chosen, and where it found it taken, whoever waits for it would take the other's answers for its own.
 */
const blockSize = 50;
const attemptsMax = 100;

let next = 0;
let blockEnd = 0;
let taking: Promise<void> | undefined;

/** A TCP port of 127.0.0.1 that nobody listens on now, and that no test of this machine gave to anybody who may still use it. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    while (next >= blockEnd) {
      taking ??= takeBlock().finally(() => {
        taking = undefined;
      });
      await taking;
    }
    const port = next++;
    const server = await listening(port);
    if (!server) continue;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
  throw new Error(`none of ${attemptsMax} ports between ${first} and ${end} is free`);
}

async function takeBlock(): Promise<void> {
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const begin = first + blockSize * randomInt((end - first) / blockSize);
    const server = await listening(begin);
    if (!server) continue;
    // It ends with the process, which it does not keep alive.
    server.unref();
    next = begin + 1;
    blockEnd = begin + blockSize;
    return;
  }
  throw new Error(`all of ${attemptsMax} blocks of ports between ${first} and ${end} are taken`);
}

/** Undefined where somebody else listens. */
function listening(port: number): Promise<Server | undefined> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(undefined));
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}
