import { connect, type NatsConnection } from '@nats-io/transport-node';
import { type Answer, type Api, apiOf } from '../api.js';
import { type MeshOptions, startMesh, type TestMesh } from '../servers/mesh.js';

/** Statements of one script. */
const scriptStatementsMax = 500;

/** A mesh that is measured, and a connection to its bus for whoever feeds and watches it. */
export interface MeasuredMesh {
  readonly mesh: TestMesh;
  readonly nc: NatsConnection;
  readonly ingestionPid: number;
  readonly api: Api;
  /** Runs statements in as few scripts as may be; `wait` answers once the mesh does what was asked. */
  define(statements: readonly string[], wait?: 'applied'): Promise<void>;
}

/** Runs `measure` on a mesh of its own without a query service, which ends whatever becomes of it. */
export async function withMesh<T>(
  measure: (measured: MeasuredMesh) => Promise<T>,
  options: MeshOptions = {},
): Promise<T> {
  const mesh = await startMesh({ query: false, ...options });
  let nc: NatsConnection | undefined;
  try {
    nc = await connect({ servers: mesh.nats.url });
    const api = apiOf(mesh);
    const define = async (statements: readonly string[], wait?: 'applied') => {
      const path = wait ? '/sql?wait=applied&timeout_ms=60000' : '/sql';
      for (let i = 0; i < statements.length; i += scriptStatementsMax) {
        expectStatus(await api.post(path, { sql: statements.slice(i, i + scriptStatementsMax).join(';\n') }), 200);
      }
    };
    return await measure({ mesh, nc, api, define, ingestionPid: mesh.ingestion[0]?.pid ?? 0 });
  } finally {
    await nc?.close();
    await mesh.stop();
  }
}

/** The answer, or an error that quotes it where its status is another. */
export function expectStatus(answer: Answer, ...statuses: readonly number[]): Answer {
  if (!statuses.includes(answer.status)) throw new Error(`${answer.status}: ${JSON.stringify(answer.body)}`);
  return answer;
}
