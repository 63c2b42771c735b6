import type { MsgHdrs } from '@nats-io/nats-core';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { expect } from 'vitest';
import { type Api, apiOf } from '../api.js';
import { eventually } from '../eventually.js';
import type { TestMesh } from '../servers/mesh.js';

/** A row that a pipeline published, or any message. */
export interface Row {
  readonly data: Uint8Array;
  readonly text: string;
  readonly headers: MsgHdrs | undefined;
  /** When it came, by `performance.now()`. */
  readonly atMs: number;
}

export const textsOf = (rows: readonly Row[]): string[] => rows.map(({ text }) => text);

/** What a user of a mesh has at hand: its API, its bus, and patience. */
export class MeshClient {
  private constructor(
    readonly api: Api,
    readonly nc: NatsConnection,
  ) {}

  static async connect(mesh: TestMesh): Promise<MeshClient> {
    return new MeshClient(apiOf(mesh), await connect({ servers: mesh.nats.url, maxReconnectAttempts: -1 }));
  }

  /** Also where `connect` never came to its end. */
  static async close(client: MeshClient | undefined): Promise<void> {
    await client?.nc.close();
  }

  /** Runs a script that must be accepted; its results, once all of it is applied. */
  async run(sql: string): Promise<{ readonly [member: string]: unknown }[]> {
    const { status, body } = await this.api.post('/sql?wait=applied&timeout_ms=10000', { sql });
    expect(status, `${sql}\n${JSON.stringify(body)}`).toBe(200);
    return body.results;
  }

  /** What arrives on a subject from when it resolves, to be seen as it comes. */
  async collect(subject: string, nc: NatsConnection = this.nc): Promise<Row[]> {
    const rows: Row[] = [];
    nc.subscribe(subject, {
      callback: (_, { data, headers }) =>
        void rows.push({
          data: new Uint8Array(data),
          text: new TextDecoder().decode(data),
          headers,
          atMs: performance.now(),
        }),
    });
    await nc.flush();
    return rows;
  }

  /** Waits for exactly so many. */
  async arrived(rows: readonly Row[], count: number): Promise<void> {
    await eventually(() => rows.length >= count, { what: `${count} rows` });
    expect(rows).toHaveLength(count);
  }

  /** Waits for a state of a connection or pipeline, and a reason. */
  async stands(kind: 'connections' | 'pipelines', name: string, state: string, message = /(?:)/): Promise<void> {
    await eventually(
      async () => {
        const { status } = (await this.api.get(`/${kind}/${name}`)).body;
        if (status?.state !== state || !message.test(status.message)) throw new Error(JSON.stringify(status));
        return true;
      },
      { what: `${name} to be ${state}`, timeoutMs: 30_000 },
    );
  }

  /** Waits until a row of a system table is as `check` wants it; gives the row. */
  async systemRow(sql: string, check: (row: Record<string, unknown>) => boolean): Promise<Record<string, unknown>> {
    let last: Record<string, unknown> | undefined;
    return eventually(
      async () => {
        [last] = await this.api.rows(sql);
        if (!last || !check(last)) throw new Error(`${sql} gives ${JSON.stringify(last)}`);
        return last;
      },
      { what: `a row of ${sql}` },
    );
  }
}
