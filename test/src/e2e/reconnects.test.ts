import { afterAll, beforeAll, expect, it } from 'vitest';
import { measureReconnecting } from '../bench/reconnecting.js';
import { startMesh, type TestMesh } from '../servers/mesh.js';

let mesh: TestMesh;
beforeAll(async () => {
  mesh = await startMesh({ query: false });
});
afterAll(() => mesh?.stop());

it('two hundred connections come back to a server, one after the other and not all at once', async () => {
  const { back, per100Ms, residentMiB } = await measureReconnecting(mesh, 200, 3000);
  expect(back).toBe(200);
  // 25 in 100 ms make it 800 ms; without turns all would come within the 100 ms of their jitter.
  expect(per100Ms.length, per100Ms.join(' ')).toBeGreaterThanOrEqual(5);
  expect(residentMiB.after).toBeLessThan(residentMiB.before + 200);
}, 120_000);
