import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually, freePort, natsServerBinary, temporaryDirectory } from '@laminar/test';
import { checkout } from '../checkout.js';

/** The built command. */
export const laminar = [process.execPath, join(checkout, 'packages', 'cli', 'bin', 'laminar.js')];

/** For a test that starts a mesh: seconds as a rule, more on a busy machine, and a build first where a source was edited. */
export const meshTestTimeoutMs = 120_000;
const sayTimeoutMs = 100_000;

export interface StartUpOptions {
  /** Program and arguments; `laminar up --no-demo` unless said otherwise. */
  readonly command?: readonly string[];
  /** Added to the environment of the test; ports and data folder are chosen unless named here. */
  readonly env?: Record<string, string>;
  /** A data folder of the test's, which stays; otherwise the command has one of its own. */
  readonly dataDir?: string;
}

/** The command as a terminal runs it: a process group of its own. */
export interface UpProcess {
  readonly pid: number;
  readonly dataDir: string;
  /** Resolves with the exit code, null after a signal. */
  readonly exited: Promise<number | null>;
  output(): string;
  /** Waits until a line of the output matches, and gives the match. */
  says(pattern: RegExp): Promise<RegExpExecArray>;
  /** To the command alone. */
  kill(signal: NodeJS.Signals): void;
  /** To the whole process group, as a terminal does it. */
  killGroup(signal: NodeJS.Signals): void;
  /** Nobody reads any more what it writes, as when a terminal is closed. */
  closeOutput(): void;
  /** Every process that works in its data folder, whoever started it. */
  processes(): { pid: number; command: string }[];
  /** Ends all of them and removes the folder. */
  cleanUp(): Promise<void>;
}

/** Starts `laminar up` with real services and a real nats-server, on free ports and in a folder of its own. */
export async function startUp({ command, env, dataDir: given }: StartUpOptions = {}): Promise<UpProcess> {
  const directory = await temporaryDirectory('up');
  const dataDir = given ?? join(directory.path, 'data');
  const ports = await Promise.all([freePort(), freePort(), freePort()]);
  const [program = process.execPath, ...args] = command ?? [...laminar, 'up', '--no-demo'];
  const child = spawn(program, args, {
    cwd: checkout,
    detached: true,
    env: {
      ...process.env,
      NATS_SERVER_BIN: await natsServerBinary(),
      LAMINAR_DATA_DIR: dataDir,
      LAMINAR_NATS_PORT: String(ports[0]),
      LAMINAR_CONTROL_PORT: String(ports[1]),
      LAMINAR_QUERY_PORT: String(ports[2]),
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return handle(child, dataDir, () => directory.remove());
}

function handle(child: ChildProcess, dataDir: string, removeFolder: () => Promise<void>): UpProcess {
  const pid = child.pid ?? 0;
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (data: Buffer) => (output += data.toString()));
  const exited = new Promise<number | null>((resolve, reject) => {
    child.once('exit', resolve);
    child.once('error', reject);
  });
  const processes = () => processesOf(dataDir);
  return {
    pid,
    dataDir,
    exited,
    output: () => output,
    async says(pattern) {
      const find = () => pattern.exec(output) ?? undefined;
      const ended = () => child.exitCode !== null || child.signalCode !== null;
      const match = await eventually(() => find() ?? (ended() ? 'ended' : undefined), {
        what: `the command to say ${pattern}`,
        timeoutMs: sayTimeoutMs,
      }).catch(() => 'silent' as const);
      if (typeof match === 'string') throw new Error(`${match} without ${pattern} in its output:\n${output}`);
      return match;
    },
    kill: (signal) => void child.kill(signal),
    killGroup: (signal) => void process.kill(-pid, signal),
    closeOutput() {
      child.stdout?.destroy();
      child.stderr?.destroy();
    },
    processes,
    async cleanUp() {
      for (const { pid: left } of processes()) process.kill(left, 'SIGKILL');
      await eventually(() => processes().length === 0, { what: 'all processes to be gone' });
      await removeFolder();
    },
  };
}

/** Services, servers and what they start all inherit the variable that names the data folder. */
function processesOf(dataDir: string): { pid: number; command: string }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const environment = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
        if (!environment.includes(`LAMINAR_DATA_DIR=${dataDir}`)) return [];
        return [
          { pid: Number(pid), command: readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim() },
        ];
      } catch (error) {
        // It ended meanwhile, or belongs to somebody else.
        if (['ENOENT', 'ESRCH', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '')) return [];
        throw error;
      }
    });
}
