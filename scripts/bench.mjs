// `npm run bench`: what a message costs, beside a loop written by hand; `npm run bench -- definitions`: ten thousand definitions;
// `npm run bench -- reconnects`: a thousand connections whose server comes back; `npm run bench -- sql`: queries alone, in one process.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { prepare, root } from './prepare.mjs';

await prepare();
const name = process.argv[2] ?? 'bench';
const script = join(root, 'test', 'dist', 'bench', `${name}.js`);
if (!/^[a-z-]+$/.test(name) || !existsSync(script)) {
  console.error(`there is no benchmark "${name}"; there are: bench, definitions, reconnects, sql`);
  process.exit(2);
}
process.exitCode = spawnSync(process.execPath, [script], { cwd: root, stdio: 'inherit' }).status ?? 1;
