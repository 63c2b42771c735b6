// `npm run bench`: what a message costs, beside a loop written by hand.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { prepare, root } from './prepare.mjs';

await prepare();
const bench = join(root, 'test', 'dist', 'bench', 'bench.js');
process.exitCode = spawnSync(process.execPath, [bench], { cwd: root, stdio: 'inherit' }).status ?? 1;
