import type { CampaignOptions } from './campaign.js';
import type { DeadLetterFindings } from './dead-letters.js';
import type { Incident, Incidents } from './incidents.js';
import type { LedgerCounts, PipelineLedger, Violation } from './ledger.js';
import type { ChaosPipeline } from './pipelines.js';
import { describeFault } from './schedule.js';
import type { UnwantedEnd } from './services.js';

/** Of each pipeline, and of dead letters. */
const violationsShown = 5;

export interface Outcome {
  readonly options: Pick<CampaignOptions, 'stage' | 'seed' | 'messages'>;
  readonly stored: number;
  readonly elapsedMs: number;
  readonly pipelines: readonly { readonly pipeline: ChaosPipeline; readonly counts: LedgerCounts }[];
  readonly incidents: readonly Incident[];
  readonly letters: DeadLetterFindings;
  readonly unwantedEnds: readonly UnwantedEnd[];
  /** Promises that were not kept, and the first of them in words. */
  readonly violations: number;
  readonly shown: readonly string[];
}

interface Evidence {
  readonly options: CampaignOptions;
  readonly ledgers: readonly PipelineLedger[];
  readonly incidents: Incidents;
  readonly letters: DeadLetterFindings;
  readonly unwantedEnds: readonly UnwantedEnd[];
  readonly elapsedMs: number;
}

export function outcomeOf({ options, ledgers, incidents, letters, unwantedEnds, elapsedMs }: Evidence): Outcome {
  const found = ledgers.map((ledger) => ledger.violations(elapsedMs));
  return {
    options,
    stored: ledgers[0]?.stored.count ?? 0,
    elapsedMs,
    pipelines: ledgers.map((ledger) => ({ pipeline: ledger.pipeline, counts: ledger.counts() })),
    incidents: incidents.list,
    letters,
    unwantedEnds,
    violations: found.reduce((sum, { count }) => sum + count, 0) + letters.wrong.length,
    shown: [
      ...found.flatMap(({ first }) => first.slice(0, violationsShown).map((one) => describeViolation(one, incidents))),
      ...letters.wrong.slice(0, violationsShown),
    ],
  };
}

/** What a campaign has to say for itself, line by line. */
export function report(outcome: Outcome): string[] {
  const { options, stored, elapsedMs, pipelines, incidents, letters, violations, shown } = outcome;
  const times = (of: (incident: Incident) => number | undefined, from = ({ fromMs }: Incident) => fromMs) =>
    spread(
      incidents.flatMap((incident) => {
        const endMs = of(incident);
        return endMs === undefined ? [] : [Math.max(0, endMs - from(incident))];
      }),
    );
  const recovered = ({ recoveredMs }: Incident) => recoveredMs;
  return [
    `${options.stage}, seed ${options.seed}: ${stored} of ${options.messages} messages in, ${incidents.length} faults, ${(elapsedMs / 1000).toFixed(0)} s`,
    'pipeline   promise           rows owed       out   lost doubled  out of order  purged unread',
    ...pipelines.map(({ pipeline, counts }) => line(pipeline, counts)),
    `dead letters: ${letters.found}, of which ${letters.expected} had to be; processes that ended by themselves: ${outcome.unwantedEnds.length}`,
    `from a fault to a new row of every pipeline: ${times(({ progressMs }) => progressMs)}`,
    `from a fault to the last row of what was in when it began: ${times(recovered)}`,
    `the same from the end of the fault: ${times(recovered, ({ healedMs, fromMs }) => healedMs ?? fromMs)}`,
    violations === 0 ? 'every promise was kept' : `${violations} promises were not kept, such as:`,
    ...shown,
  ];
}

function line({ name, guarantee, ordered }: ChaosPipeline, counts: LedgerCounts): string {
  const { expected, out, lost, doubled, outOfOrder, waived } = counts;
  const order = ordered ? String(outOfOrder) : '-';
  return `${name.padEnd(11)}${guarantee.padEnd(15)}${[
    String(expected).padStart(12),
    String(out).padStart(10),
    String(lost).padStart(7),
    String(doubled).padStart(8),
    order.padStart(14),
    String(waived).padStart(15),
  ].join('')}`;
}

function describeViolation({ kind, pipeline, n, row, fromMs, untilMs }: Violation, incidents: Incidents): string {
  const around = incidents.around(fromMs, untilMs).map(({ fault }) => describeFault(fault));
  const when = `stored at ${(fromMs / 1000).toFixed(1)} s, seen or given up at ${(untilMs / 1000).toFixed(1)} s`;
  return `${kind}: row ${row} of message ${n} in ${pipeline}, ${when}; faults about then: ${around.join(' | ') || 'none'}`;
}

function spread(values: readonly number[]): string {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) => `${((sorted[Math.floor(share * (sorted.length - 1))] ?? 0) / 1000).toFixed(1)} s`;
  return sorted.length === 0 ? 'none' : `${at(0.5)} at the median, ${at(1)} at most`;
}
