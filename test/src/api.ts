import type { TestMesh } from './servers/mesh.js';

/** An answer of the REST API, whatever its status. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: what a body holds is what the tests are about.
  readonly body: any;
}

/** The REST API of a control plane under `/api/v1`, as a client without any knowledge of it. */
export interface Api {
  get(path: string, headers?: Record<string, string>): Promise<Answer>;
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Answer>;
  put(path: string, body: unknown, headers?: Record<string, string>): Promise<Answer>;
  delete(path: string, headers?: Record<string, string>): Promise<Answer>;
  /** The rows of a query over system tables, by column; throws where it fails. */
  rows(sql: string): Promise<Record<string, unknown>[]>;
}

/** The API of a mesh's control plane, the first unless said otherwise. */
export function apiOf(mesh: TestMesh, replica = 0): Api {
  const service = mesh.controlPlanes[replica];
  if (!service) throw new Error(`there is no control plane ${replica}`);
  const call = async (method: string, path: string, body: unknown, headers: Record<string, string> = {}) => {
    const response = await fetch(`${service.url}/api/v1${path}`, {
      method,
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) };
  };
  return {
    get: (path, headers) => call('GET', path, undefined, headers),
    post: (path, body, headers) => call('POST', path, body, headers),
    put: (path, body, headers) => call('PUT', path, body, headers),
    delete: (path, headers) => call('DELETE', path, undefined, headers),
    async rows(sql) {
      const { status, body } = await call('POST', '/sql', { sql });
      if (status !== 200) throw new Error(`${sql}: ${status} ${JSON.stringify(body)}`);
      const [{ columns, rows }] = body.results;
      return rows.map((row: unknown[]) => Object.fromEntries(row.map((value, i) => [columns[i].name, value])));
    },
  };
}
