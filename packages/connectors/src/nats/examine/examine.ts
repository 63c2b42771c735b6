import type { Codec } from '@laminar/codecs';
import type { ResolvedConnection } from '@laminar/definitions';
import type { NatsConnection } from '@nats-io/nats-core';
import type { FileSource, SecretSource } from '../../contract.js';
import { dial } from '../dial.js';
import {
  type CheckName,
  type ConnectionCheck,
  checkNames,
  type Finding,
  failed,
  ok,
  reasonOf,
  skipped,
  warning,
} from './check.js';
import { checkConsumer } from './consumer-check.js';
import { type Greeted, greet } from './greeting.js';
import { checkTls } from './handshake.js';
import { identityOf } from './identity.js';
import { checkPermissions } from './permissions-check.js';
import { checkSample } from './sample-check.js';
import { checkServer } from './server-check.js';
import { checkStream } from './stream-check.js';

/** A server that is there says so sooner. */
const reachTimeoutMsMax = 3000;
/** What is waited at most for a message that nobody may send. */
const sampleTimeoutMsMax = 1000;
/** Of what is left, kept for the answer. */
const reserveMs = 50;

export interface ExamineOptions {
  readonly resolved: ResolvedConnection;
  /** Shown by the server as the client's name. */
  readonly clientName: string;
  readonly secrets: SecretSource;
  readonly files: FileSource;
  /** Of the connection's format. Throws `ConnectorError`. */
  codec(): Promise<Codec>;
  /** Of all checks together. */
  readonly timeoutMs: number;
  /** The last check that is made; all of them unless given. */
  readonly through?: CheckName | undefined;
}

/**
 * Looks at all that a connection stands on, from the socket to a decoded message, and changes nothing: nothing is made on the server, published, acknowledged or taken from
 * anybody. A finding for each check, in order; what stands on a failed check is skipped.
 */
export async function examine(options: ExamineOptions): Promise<ConnectionCheck[]> {
  const examination = new Examination(options);
  try {
    return await examination.run();
  } finally {
    await examination.close();
  }
}

class Examination {
  readonly #deadlineMs: number;
  readonly #greeted: Greeted[] = [];
  #dialled: Promise<NatsConnection> | undefined;
  #nc: NatsConnection | undefined;

  constructor(readonly options: ExamineOptions) {
    this.#deadlineMs = performance.now() + options.timeoutMs;
  }

  async run(): Promise<ConnectionCheck[]> {
    const { resolved, codec } = this.options;
    const connected = (check: (nc: NatsConnection) => Promise<Finding>) => () => {
      if (!this.#nc) throw new Error('the connection is not open');
      return check(this.#nc);
    };
    const work: { readonly [check in CheckName]: () => Promise<Finding> } = {
      reach: () => this.#reach(),
      tls: () => this.#tls(),
      authentication: () => this.#authenticate(),
      server: connected((nc) => checkServer(nc, resolved)),
      permissions: connected((nc) => checkPermissions(nc, resolved)),
      stream: connected((nc) => checkStream(nc, resolved)),
      consumer: connected((nc) => checkConsumer(nc, resolved)),
      sample: connected((nc) =>
        checkSample(nc, resolved, { codec, timeoutMs: Math.min(this.#leftMs(), sampleTimeoutMsMax) }),
      ),
    };
    const checks: ConnectionCheck[] = [];
    for (const check of checkNames) {
      const obstacle = checks.find(({ status }) => status === 'failed')?.check;
      const startedAt = performance.now();
      const finding =
        obstacle === undefined
          ? await this.#inTime(work[check])
          : skipped(`it stands on the check "${obstacle}", which failed`);
      checks.push({ check, ...finding, durationMs: performance.now() - startedAt });
      if (check === this.options.through) break;
    }
    return checks;
  }

  async close(): Promise<void> {
    this.#hangUp();
    // A dial that is still under way is closed when it comes to an end.
    await (this.#nc
      ? this.#nc.close()
      : void this.#dialled?.then(
          (nc) => nc.close(),
          () => undefined,
        ));
  }

  /** A server does not like clients that are there and do not say who they are. */
  #hangUp(): void {
    for (const { socket } of this.#greeted) socket.destroy();
  }

  async #reach(): Promise<Finding> {
    const { servers, tls } = this.options.resolved;
    const silent = tls?.handshakeFirst === true;
    const timeoutMs = Math.min(this.#leftMs(), reachTimeoutMsMax);
    const results = await Promise.all(servers.map((server) => greet(server, { silent, timeoutMs })));
    const reasons: string[] = [];
    for (const result of results) {
      if ('socket' in result) this.#greeted.push(result);
      else reasons.push(`${result.server}: ${result.reason}`);
    }
    const answered = this.#greeted.map(({ server, elapsedMs }) => `${server} answered in ${elapsedMs.toFixed(1)} ms`);
    if (answered.length === 0)
      return failed(`no server can be reached: ${reasons.join('; ')}; check host and port, and whether it runs`);
    if (reasons.length > 0) return warning(`${answered.join('; ')}; but ${reasons.join('; ')}`);
    return ok(answered.join('; '));
  }

  async #tls(): Promise<Finding> {
    const [first] = this.#greeted;
    if (!first) return skipped('no server answered');
    const { resolved, files } = this.options;
    try {
      return await checkTls(first, { settings: resolved.tls, files, timeoutMs: this.#leftMs() });
    } finally {
      this.#hangUp();
    }
  }

  async #authenticate(): Promise<Finding> {
    const { resolved, clientName, secrets, files } = this.options;
    this.#dialled = dial(resolved, { name: clientName, secrets, files });
    this.#nc = await this.#dialled;
    const info = this.#nc.info;
    const asks = info?.auth_required === true ? '' : ', and the server asks for none';
    return ok(`connected to ${this.#nc.getServer()} ${identityOf(resolved.credentials, secrets)}${asks}`);
  }

  /** What fails, or comes too late, is a finding too. */
  async #inTime(work: () => Promise<Finding>): Promise<Finding> {
    const leftMs = this.#leftMs();
    if (leftMs <= 0) return failed(`there was no time left; give more than ${this.options.timeoutMs} ms (timeout_ms)`);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<Finding>((resolve) => {
      timer = setTimeout(
        () => resolve(failed(`it was not done within the ${Math.round(leftMs)} ms that were left`)),
        leftMs + reserveMs,
      );
    });
    const done = work().catch((error) => failed(reasonOf(error)));
    const finding = await Promise.race([done, late]);
    clearTimeout(timer);
    return finding;
  }

  #leftMs(): number {
    return Math.max(0, this.#deadlineMs - performance.now() - reserveMs);
  }
}
