// `npm run chaos`: kills the ingestion process in the middle of 50,000 messages, ten times, and counts what came out.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { prepare, root } from './prepare.mjs';

await prepare();
const script = join(root, 'test', 'dist', 'chaos', 'kill-ingestion.js');
process.exitCode = spawnSync(process.execPath, [script], { cwd: root, stdio: 'inherit' }).status ?? 1;
