// Property tests try the same values in each run, so that a red run speaks of the change. `npm run fuzz` tries others.
import fc from 'fast-check';

fc.configureGlobal({ seed: Number(process.env.LAMINAR_TEST_SEED ?? 20_260_329) });
