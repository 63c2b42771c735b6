import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { ConfigError } from '@laminar/runtime';
import { freePort } from '@laminar/test';
import { expect, it } from 'vitest';
import { choosePorts } from './ports.js';

const host = '127.0.0.1';

it('gives the ports that are wanted, and any where any will do', async () => {
  const port = await freePort();
  const [named, any] = await choosePorts(host, [
    { variable: 'A', port },
    { variable: 'B', port: 0 },
  ]);
  expect(named).toEqual({ port, taken: false });
  expect(any).toMatchObject({ taken: false });
  expect(any?.port).toBeGreaterThan(0);
});

it('gives another port where one is taken or wanted twice', async () => {
  const server = createServer();
  await once(server.listen(0, host), 'listening');
  try {
    const { port } = server.address() as AddressInfo;
    const free = await freePort();
    const wanted = [port, free, free].map((each) => ({ variable: 'A', port: each }));
    const chosen = await choosePorts(host, wanted);
    expect(chosen.map(({ taken }) => taken)).toEqual([true, false, true]);
    expect(new Set(chosen.map((each) => each.port)).size).toBe(3);
    expect(chosen[0]?.port).not.toBe(port);
  } finally {
    server.close();
  }
});

it('waits for a port that its last owner is about to give up', async () => {
  const server = createServer();
  await once(server.listen(0, host), 'listening');
  const { port } = server.address() as AddressInfo;
  const chosen = choosePorts(host, [{ variable: 'A', port }]);
  server.close();
  expect(await chosen).toEqual([{ port, taken: false }]);
});

it('names the variable where this machine has no such address', async () => {
  const failure = choosePorts('192.0.2.1', [{ variable: 'A', port: 0 }]);
  await expect(failure).rejects.toThrow(ConfigError);
  await expect(failure).rejects.toThrow('LAMINAR_HOST: this machine has no address 192.0.2.1');
});
