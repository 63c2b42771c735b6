// `npm run bench`: measures every scenario of test/src/bench beside its baseline; `npm run bench -- <name> ...` some; `-- --readme` writes the last
// figures into README.md. An unknown name is answered by all that there are.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { prepare, root } from './prepare.mjs';

await prepare();
const script = join(root, 'test', 'dist', 'bench', 'main.js');
process.exitCode =
  spawnSync(process.execPath, [script, ...process.argv.slice(2)], { cwd: root, stdio: 'inherit' }).status ?? 1;
