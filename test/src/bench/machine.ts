import { execFileSync } from 'node:child_process';
import { cpus, release, totalmem, type } from 'node:os';
import { natsServerBinary } from '../servers/nats.js';

/** Where and when figures were taken. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  /** Name and release of the kernel. */
  readonly system: string;
  readonly node: string;
  readonly natsServer: string;
  /** ISO 8601, UTC. */
  readonly date: string;
}

/** This machine, with the nats-server that benchmarks run. */
export async function thisMachine(date: Date): Promise<Machine> {
  const version = execFileSync(await natsServerBinary(), ['--version'], { encoding: 'utf8' });
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 1024 ** 3),
    system: `${type()} ${release()}`,
    node: process.versions.node,
    natsServer: /v?(\d+\.\d+\.\d+\S*)/.exec(version)?.[1] ?? version.trim(),
    date: date.toISOString(),
  };
}

/** In a line. */
export const machineText = ({ cpu, cores, memoryGiB, system, node, natsServer, date }: Machine): string =>
  `${cores} cores (${cpu}), ${memoryGiB} GiB, ${system}, Node ${node}, nats-server ${natsServer}, ${date.slice(0, 10)}`;
