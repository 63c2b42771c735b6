const requestTimeoutMs = 60_000;

export interface Rows {
  readonly columns: readonly { readonly name: string }[];
  readonly rows: readonly (readonly unknown[])[];
}

/** The control plane's SQL door. */
export interface SqlApi {
  readonly url: string;
  /** Applies a script; resolves when all of it runs. */
  apply(script: string): Promise<void>;
  /** The rows of one SELECT over `system.*`. */
  select(sql: string): Promise<Rows>;
}

/** Requests carry `apiKey` where there is one. They throw with what the control plane says is wrong. */
export function sqlApi(controlUrl: string, apiKey: string | undefined, signal: AbortSignal): SqlApi {
  const url = `${controlUrl}/api/v1/sql`;
  const post = async (query: string, sql: string): Promise<{ results: readonly unknown[] }> => {
    const response = await fetch(`${url}${query}`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
      },
      body: JSON.stringify({ sql }),
      signal: AbortSignal.any([signal, AbortSignal.timeout(requestTimeoutMs)]),
    });
    const body = (await response.json()) as { detail?: string; title?: string; results?: unknown[] };
    if (!response.ok || body.results === undefined)
      throw new Error(`the control plane answers ${response.status}: ${body.detail ?? body.title ?? 'no detail'}`);
    return { results: body.results };
  };
  return {
    url,
    async apply(script) {
      await post('?wait=applied&timeout_ms=30000', script);
    },
    async select(sql) {
      const { results } = await post('', sql);
      return results[0] as Rows;
    },
  };
}
