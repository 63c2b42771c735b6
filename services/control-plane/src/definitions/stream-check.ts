import { connectionIssues, type ResolvedConnection, resolveConnection } from '@laminar/definitions';
import type { Warning } from '@laminar/sql';
import type { Check, ConnectionTest } from '../live/connection-test.js';

/** A server that is there answers sooner; whoever defines something waits for this. */
const testTimeoutMs = 1500;
/** Servers that did not answer are not asked again for so long, as by the other statements of a script. */
const silenceMs = 10_000;

/** Has a connection tested, as `testConnection` does. Throws where nobody can be asked. */
export type TestOf = (test: ConnectionTest) => Promise<readonly Check[]>;

/** Has the streams looked for that definitions name, where servers answer. */
export class StreamCheck {
  /** When servers did not answer, in monotonic milliseconds. */
  readonly #silent = new Map<string, number>();

  constructor(readonly testOf: TestOf) {}

  /**
   * Warns where the stream of a connection is missing, or has nothing of its subjects. One that the connection makes itself is not looked for; and where the server cannot be asked, nothing is
   * said: the state will show what keeps the connection.
   */
  async warnings(connection: Pick<ConnectionTest, 'name' | 'definition' | 'revision'>): Promise<Warning[]> {
    const { name, definition } = connection;
    // What is wrong with the options themselves is said when they are decided on.
    if (connectionIssues(definition).length > 0) return [];
    const resolved = resolveConnection(name, definition);
    if (!needsStream(resolved) || this.#isSilent(resolved)) return [];
    const checks = await this.testOf({ ...connection, timeoutMs: testTimeoutMs, through: 'stream' }).catch(() => []);
    const found = checks.find(({ check }) => check === 'stream');
    if (found?.status === 'failed') return [{ code: 'missing_stream', message: found.message }];
    if (checks.some(({ check, status }) => check === 'reach' && status === 'failed'))
      this.#silent.set(serversOf(resolved), performance.now());
    return [];
  }

  #isSilent(resolved: ResolvedConnection): boolean {
    const nowMs = performance.now();
    for (const [servers, sinceMs] of this.#silent) if (nowMs - sinceMs > silenceMs) this.#silent.delete(servers);
    return this.#silent.has(serversOf(resolved));
  }
}

const serversOf = ({ servers }: ResolvedConnection): string => servers.join();

const needsStream = (resolved: ResolvedConnection): boolean =>
  resolved.role !== 'source-core' &&
  resolved.role !== 'sink-core' &&
  !('stream' in resolved && resolved.stream !== undefined);
