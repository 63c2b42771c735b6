import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { portInFile, portsFile, waitForPreviousServer } from './ports-file.js';

const startTimeoutMs = 30_000;
const stopTimeoutMs = 2_000;
const pollMs = 10;
const logLinesShown = 3;

export interface NatsServerOptions {
  /** Path of the executable, as `findNatsServer` gives it. */
  readonly binary: string;
  readonly host: string;
  /** -1 lets the server choose. */
  readonly port: number;
  /** A folder for this server alone: its JetStream store, and the file that says where it listens. */
  readonly storeDir: string;
  readonly jetstream: boolean;
  /** A configuration file; the other options go before it. */
  readonly configFile?: string | undefined;
  /** What the server says is appended here; `nats-server.log` in `storeDir` unless said otherwise. */
  readonly logFile?: string | undefined;
}

/** A nats-server that listens. It ends with the process that started it, however that one ends. */
export interface NatsServerProcess {
  /** `nats://host:port` */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** Resolves when the server has ended, whoever ended it. */
  readonly exited: Promise<void>;
  /** Ends it and waits. Idempotent. */
  stop(): Promise<void>;
  kill(signal: NodeJS.Signals): void;
}

/** The server did not come up; the message has the end of its log. */
export class NatsServerFailed extends Error {
  override readonly name = 'NatsServerFailed';
  /** Another process listens on the port that was asked for. */
  readonly portTaken: boolean;

  constructor(log: string) {
    const end = log.trim().split('\n').slice(-logLinesShown).join(' | ');
    super(`nats-server did not come up: ${end || 'it wrote no log'}`);
    this.portTaken = log.includes('address already in use');
  }
}

/**
 * Runs the server and says its process id. Its standard input closes when the process that started it ends, also by
 * SIGKILL; then it ends the server (continued first, since a stopped process keeps SIGTERM waiting).
 */
const guardianScript = `
exec 4<&0
"$@" </dev/null >&3 2>&1 3>&- 4<&- &
server=$!
echo "$server"
( while read -r _ <&4; do :; done; kill -TERM "$server"; kill -CONT "$server" ) >/dev/null 2>&1 3>&- &
watcher=$!
exec 4<&- 3>&-
wait "$server"
code=$?
kill "$watcher" 2>/dev/null
exit "$code"
`;

/**
 * Starts a server in a process group of its own, which a terminal's Ctrl-C does not reach, and waits until it listens.
 * Throws `NatsServerFailed`.
 */
export async function startNatsServer(options: NatsServerOptions): Promise<NatsServerProcess> {
  await mkdir(options.storeDir, { recursive: true });
  await waitForPreviousServer(options.storeDir, options.host);
  const launched = await launch(options);
  return handle(launched, options.host, await listeningPort(launched, options.storeDir));
}

interface Launched {
  readonly guardian: ChildProcess;
  readonly pid: number;
  /** The guardian ends when the server has ended. */
  readonly ended: Promise<void>;
  /** What this server has logged up to now. */
  log(): Promise<string>;
}

async function launch(options: NatsServerOptions): Promise<Launched> {
  const { storeDir, logFile = join(storeDir, 'nats-server.log') } = options;
  const args = [
    ...['--addr', options.host, '--port', String(options.port), '--ports_file_dir', storeDir],
    ...(options.jetstream ? ['--jetstream', '--store_dir', storeDir] : []),
    ...(options.configFile === undefined ? [] : ['--config', options.configFile]),
  ];
  const logHandle = await open(logFile, 'a');
  try {
    const { size: logStart } = await logHandle.stat();
    const guardian = spawn('/bin/sh', ['-c', guardianScript, 'nats-server-guardian', options.binary, ...args], {
      detached: true,
      stdio: ['pipe', 'pipe', 'ignore', logHandle.fd],
    });
    const ended = new Promise<void>((resolve, reject) => {
      guardian.once('exit', () => resolve());
      guardian.once('error', reject);
    });
    const said = new Promise<string>((resolve) => {
      guardian.stdout?.once('data', (data: Buffer) => resolve(data.toString()));
    });
    const pid = Number(await Promise.race([said, ended]));
    return { guardian, pid, ended, log: async () => (await readFile(logFile)).subarray(logStart).toString() };
  } finally {
    await logHandle.close();
  }
}

/** The server writes its addresses to a file of its own once it listens. One that does not get there is ended. */
async function listeningPort({ guardian, pid, ended, log }: Launched, storeDir: string): Promise<number> {
  const deadline = Date.now() + startTimeoutMs;
  while (Date.now() < deadline && !hasExited(guardian)) {
    const port = await portInFile(portsFile(storeDir, pid));
    if (port !== undefined) return port;
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
  guardian.stdin?.destroy();
  await ended;
  throw new NatsServerFailed(await log());
}

function handle({ guardian, pid, ended }: Launched, host: string, port: number): NatsServerProcess {
  const kill = (signal: NodeJS.Signals) => {
    // Once it was reaped the number may be someone else's.
    if (hasExited(guardian)) return;
    try {
      process.kill(pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  };
  return {
    url: `nats://${host}:${port}`,
    port,
    pid,
    exited: ended,
    kill,
    async stop() {
      kill('SIGTERM');
      const timer = setTimeout(() => kill('SIGKILL'), stopTimeoutMs);
      await ended;
      clearTimeout(timer);
    },
  };
}

function hasExited(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}
