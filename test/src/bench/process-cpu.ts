import { readFileSync } from 'node:fs';

/** Clock ticks a second in /proc; Linux fixes what user space sees at 100 (`man 7 time`, USER_HZ). */
const ticksPerSecond = 100;

/** CPU time (user and system) that a process has used so far, in microseconds. Linux only: reads /proc/<pid>/stat. */
export function processCpuUs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The second field is the command in parentheses and may hold spaces; utime and stime are fields 14 and 15.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return ((Number(fields[11]) + Number(fields[12])) / ticksPerSecond) * 1_000_000;
}
