import { Command, CommanderError } from 'commander';
import { up } from './up/up.js';

/** The `laminar` command with the arguments after its name. Resolves with the exit code once there is nothing left to do. */
export async function laminar(args: readonly string[]): Promise<number> {
  let exitCode = 0;
  const program = new Command('laminar')
    .description('SQL pipelines over NATS, run by a mesh of small services')
    .exitOverride();
  program
    .command('up')
    .description('start the whole mesh on this machine, until Ctrl-C')
    .option('--no-demo', 'leave the demo out')
    .action(async ({ demo }: { demo: boolean }) => {
      exitCode = await up({ env: process.env, demo });
    });
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    // Commander has said what is wrong, or shown the help that was asked for.
    if (error instanceof CommanderError) return error.exitCode;
    throw error;
  }
  return exitCode;
}
