import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, open, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const startTimeoutMs = 15_000;
const stopTimeoutMs = 8_000;

export interface NatsServerOptions {
  readonly binary: string;
  readonly host: string;
  /** -1 lets the server choose. */
  readonly port: number;
  /** JetStream is on where it keeps its data. */
  readonly storeDir?: string | undefined;
  /** A configuration file; the other options go before it. */
  readonly configFile?: string | undefined;
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
}

/**
 * Waits on its standard input, which closes when the process that started it ends, also by SIGKILL; then ends
 * the server. Says the server's process id on its standard output.
 */
const guardian = `
exec 4<&0
"$@" </dev/null >&3 2>&1 3>&- 4<&- &
server=$!
echo "$server"
( cat <&4 >/dev/null; kill "$server" 2>/dev/null ) 3>&- &
watcher=$!
wait "$server"
code=$?
kill "$watcher" 2>/dev/null
exit "$code"
`;

/** Starts a server in a process group of its own, which a terminal's Ctrl-C does not reach, and waits until it listens. */
export async function startNatsServer(options: NatsServerOptions): Promise<NatsServerProcess> {
  const folder = await mkdtemp(join(tmpdir(), 'laminar-nats-'));
  const logFile = options.logFile ?? join(folder, 'nats-server.log');
  const log = await open(logFile, 'a');
  if (options.storeDir) await mkdir(options.storeDir, { recursive: true });
  const args = [
    ...['--addr', options.host, '--port', String(options.port), '--ports_file_dir', folder],
    ...(options.storeDir === undefined ? [] : ['--jetstream', '--store_dir', options.storeDir]),
    ...(options.configFile === undefined ? [] : ['--config', options.configFile]),
  ];
  const child = spawn('/bin/sh', ['-c', guardian, 'nats-server-guardian', options.binary, ...args], {
    detached: true,
    stdio: ['pipe', 'pipe', 'ignore', log.fd],
  });
  await log.close();
  const exited = new Promise<void>((done) => {
    child.once('exit', () => void rm(folder, { recursive: true, force: true }).then(done));
    child.once('error', () => done());
  });
  try {
    const pid = await serverPid(child);
    const port = await listeningPort(folder, child, logFile);
    return server(child, pid, port, options.host, exited);
  } catch (error) {
    child.stdin?.destroy();
    child.kill('SIGKILL');
    await exited;
    throw error;
  }
}

function server(
  child: ChildProcess,
  pid: number,
  port: number,
  host: string,
  exited: Promise<void>,
): NatsServerProcess {
  const kill = (signal: NodeJS.Signals) => {
    // Once it was reaped the number may be someone else's.
    if (child.exitCode === null && child.signalCode === null) process.kill(pid, signal);
  };
  return {
    url: `nats://${host}:${port}`,
    port,
    pid,
    exited,
    kill,
    async stop() {
      kill('SIGTERM');
      const timer = setTimeout(() => kill('SIGKILL'), stopTimeoutMs);
      await exited;
      clearTimeout(timer);
    },
  };
}

function serverPid(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.stdout?.once('data', (data: Buffer) => resolve(Number(data.toString().trim())));
    child.once('error', reject);
    child.once('exit', () => reject(new NatsServerFailed('nats-server ended at once')));
  });
}

/** The server writes its addresses to a file of its own once it listens. */
async function listeningPort(folder: string, child: ChildProcess, logFile: string): Promise<number> {
  const deadline = Date.now() + startTimeoutMs;
  while (Date.now() < deadline && child.exitCode === null) {
    const file = (await readdir(folder).catch(() => [])).find((name) => name.endsWith('.ports'));
    const text = file === undefined ? '' : await readFile(join(folder, file), 'utf8').catch(() => '');
    const port = /"nats":\s*\[\s*"nats:\/\/[^"]*:(\d+)"/.exec(text)?.[1];
    if (port !== undefined) return Number(port);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const log = await readFile(logFile, 'utf8').catch(() => '');
  throw new NatsServerFailed(
    `nats-server did not come up: ${log.trim().split('\n').slice(-3).join(' | ') || 'it wrote no log'}`,
  );
}
