import { expect, it } from 'vitest';
import { freePort } from './free-port.js';

it('gives no port that another test gives at the same time, before anybody listens on it', async () => {
  // Modules of their own, as other processes have them.
  const paths = ['?second', '?third'].map((query) => `./free-port.js${query}`);
  const others = await Promise.all(paths.map((path): Promise<{ freePort: typeof freePort }> => import(path)));
  const givers = [freePort, ...others.map((other) => other.freePort)];
  expect(new Set(givers).size).toBe(3);
  const ports = await Promise.all(Array.from({ length: 300 }, (_, i) => givers[i % 3]?.()));
  expect(new Set(ports).size).toBe(300);
});
