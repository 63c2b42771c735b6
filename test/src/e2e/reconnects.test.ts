import { afterAll, beforeAll, expect, it } from 'vitest';
import { measureReconnecting } from '../bench/reconnecting.js';
import { startMesh, type TestMesh } from '../servers/mesh.js';

let mesh: TestMesh;
beforeAll(async () => {
  mesh = await startMesh({ query: false });
});
afterAll(() => mesh?.stop());

it('two hundred connections come back to a server', async () => {
  const { back, residentMiB } = await measureReconnecting(mesh, 200, 3000);
  expect(back).toBe(200);
  expect(residentMiB.after).toBeLessThan(residentMiB.before + 200);
}, 120_000);
