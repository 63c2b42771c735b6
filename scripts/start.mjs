// `npm start`: prepares the checkout, then runs `laminar up`. Arguments go to it: `npm start -- --no-demo`.
import { prepare } from './prepare.mjs';

await prepare();
const { laminar } = await import('../packages/cli/dist/index.js');
process.exit(await laminar(['up', ...process.argv.slice(2)]));
