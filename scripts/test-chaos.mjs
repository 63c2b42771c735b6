// `npm run test:chaos`: a campaign of faults; `-- --seed n` repeats one (see test/src/chaos/main.ts for the other arguments).
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { prepare, root } from './prepare.mjs';

await prepare();
const script = join(root, 'test', 'dist', 'chaos', 'main.js');
const campaign = spawn(process.execPath, [script, ...process.argv.slice(2)], { cwd: root, stdio: 'inherit' });
// A terminal's Ctrl-C reaches the campaign as well, which ends what it started; what is sent to this process alone is passed on.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => campaign.kill('SIGTERM'));
campaign.on('exit', (code) => {
  process.exitCode = code ?? 1;
});
