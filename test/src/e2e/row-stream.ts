/** One event of a stream of rows, as a client reads it. */
export interface RowEvent {
  readonly event: string;
  // biome-ignore lint/suspicious/noExplicitAny: what it holds is what the tests are about.
  readonly data: any;
}

export interface RowStream {
  readonly status: number;
  readonly headers: Headers;
  /** The answer where it is a problem. */
  // biome-ignore lint/suspicious/noExplicitAny: what it holds is what the tests are about.
  readonly problem: any;
  /** The next event; undefined at the end. */
  next(): Promise<RowEvent | undefined>;
  /** Everything until the end. */
  rest(): Promise<RowEvent[]>;
  /** As the answer was written, as far as it was read. */
  text(): string;
  leave(): void;
}

/** Asks `/sql` for a stream of server-sent events, or of NDJSON. */
export async function streamRows(
  url: string | undefined,
  body: object,
  { accept = 'text/event-stream', headers = {} }: { accept?: string; headers?: Record<string, string> } = {},
): Promise<RowStream> {
  const abort = new AbortController();
  const response = await fetch(`${url}/api/v1/sql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept, ...headers },
    body: JSON.stringify(body),
    signal: abort.signal,
  });
  const type = response.headers.get('content-type') ?? '';
  const isStream = !type.includes('json') || type.includes('ndjson');
  const problem = isStream ? undefined : await response.json();
  const reader = isStream ? response.body?.getReader() : undefined;
  const [separator, parse] = type.includes('ndjson') ? (['\n', readLine] as const) : (['\n\n', readEvent] as const);
  const utf8 = new TextDecoder();
  let text = '';
  let at = 0;
  const next = async (): Promise<RowEvent | undefined> => {
    for (;;) {
      const end = text.indexOf(separator, at);
      if (end >= 0) {
        const block = text.slice(at, end);
        at = end + separator.length;
        const event = parse(block);
        if (event) return event;
        continue;
      }
      const chunk = await reader?.read();
      if (!chunk || chunk.done) return undefined;
      text += utf8.decode(chunk.value, { stream: true });
    }
  };
  return {
    status: response.status,
    headers: response.headers,
    problem,
    next,
    async rest() {
      const events: RowEvent[] = [];
      for (let event = await next(); event; event = await next()) events.push(event);
      return events;
    },
    text: () => text,
    leave: () => abort.abort(),
  };
}

/** A block of lines `field: value`; undefined for a comment. */
function readEvent(block: string): RowEvent | undefined {
  const fields = block.split(/\r\n|\r|\n/).filter((line) => !line.startsWith(':'));
  if (fields.length === 0) return undefined;
  const valuesOf = (name: string) =>
    fields.filter((line) => line.startsWith(`${name}: `)).map((line) => line.slice(name.length + 2));
  return { event: valuesOf('event').join(), data: JSON.parse(valuesOf('data').join('\n')) };
}

function readLine(line: string): RowEvent {
  const { event, ...data } = JSON.parse(line);
  return { event, data: event === 'row' ? data.row : data };
}
