import type { Scenario } from './scenario.js';
import { applied } from './scenarios/applied.js';
import { thousandConnections } from './scenarios/connections.js';
import { coreToCore } from './scenarios/core-to-core.js';
import { definitions } from './scenarios/definitions.js';
import { fanOut } from './scenarios/fan-out.js';
import { jetstreamToCore } from './scenarios/jetstream-to-core.js';
import { jetstreamToJetstream } from './scenarios/jetstream-to-jetstream.js';
import { latency } from './scenarios/latency.js';
import { logReplay } from './scenarios/log-replay.js';
import { memory } from './scenarios/memory.js';
import { reconnects } from './scenarios/reconnects.js';
import { restWrites } from './scenarios/rest-writes.js';
import { sql } from './scenarios/sql.js';

/** In the order in which they run and are shown. */
export const scenarios: readonly Scenario[] = [
  coreToCore,
  jetstreamToCore,
  jetstreamToJetstream,
  fanOut,
  latency,
  memory,
  sql,
  thousandConnections,
  reconnects,
  applied,
  restWrites,
  logReplay,
  definitions,
];
