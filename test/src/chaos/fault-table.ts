import type { Fault } from './fault.js';
import { beyondWindowFault } from './faults/beyond-window.js';
import { definitionFaults } from './faults/definitions.js';
import { machineFaults } from './faults/machine.js';
import { pathFaults } from './faults/paths.js';
import { processFaults } from './faults/processes.js';
import { serverFaults } from './faults/servers.js';
import { streamFaults } from './faults/streams.js';
import type { StageKind } from './stage.js';

/** Everything that can go wrong on a stage. */
export function faultsOf(stage: StageKind, beyondWindow: boolean): Fault[] {
  const all = [
    ...processFaults,
    ...pathFaults,
    ...serverFaults,
    ...streamFaults,
    ...definitionFaults,
    ...machineFaults,
    ...(beyondWindow ? [beyondWindowFault] : []),
  ];
  return all.filter(({ stages }) => stages.includes(stage));
}
