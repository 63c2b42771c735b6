// `npm run fuzz`: every property test with new values, ten rounds, or as many as the argument says. The seed of a round is printed,
// and `LAMINAR_TEST_SEED=<seed> npm test -- <file>` tries its values again.
import { spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { prepare, root } from './prepare.mjs';

await prepare();
const rounds = Number(process.argv[2] ?? 10);
const files = ['packages', 'services'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\/src\/.*\.test\.ts$/.test(file) && !file.includes('node_modules'))
    .map((file) => join(folder, file))
    .filter((file) => readFileSync(join(root, file), 'utf8').includes("from 'fast-check'")),
);
for (let round = 1; round <= rounds && !process.exitCode; round++) {
  const seed = randomInt(2 ** 31);
  console.log(`round ${round} of ${rounds}, seed ${seed}`);
  const vitest = [join(root, 'node_modules', 'vitest', 'vitest.mjs'), 'run', ...files];
  const env = { ...process.env, LAMINAR_TEST_SEED: String(seed) };
  process.exitCode = spawnSync(process.execPath, vitest, { cwd: root, stdio: 'inherit', env }).status ?? 1;
}
