import { stringify } from 'lossless-json';

/** What is told of rows while they come. */
export type RowEvent =
  /** What the statements before the one that gives the rows came to, as `/sql` answers without a stream. */
  | { readonly event: 'results'; readonly data: { readonly results: readonly object[] } }
  /** Once, before the first row: from now on no message is missed. */
  | { readonly event: 'columns'; readonly data: object }
  /** The text of a JSON array, a value per column. */
  | { readonly event: 'row'; readonly text: string }
  | { readonly event: 'error'; readonly data: object }
  /** The last one. */
  | { readonly event: 'end'; readonly data: object };

/** How row events are written. */
export interface RowFormat {
  write(event: RowEvent): string;
  /** Keeps proxies and clients from giving up on a quiet stream; undefined where the format has nothing that says nothing. */
  readonly quiet: string | undefined;
}

export const rowFormats = {
  /** https://html.spec.whatwg.org/multipage/server-sent-events.html; JSON has no line breaks outside of white space, which is not written. */
  'text/event-stream': {
    write: (event) => `event: ${event.event}\ndata: ${event.event === 'row' ? event.text : json(event.data)}\n\n`,
    quiet: ': still here\n\n',
  },
  /** One object a line, whose member `event` names what it is; a row is the member `row`. */
  'application/x-ndjson': {
    write: (event) =>
      event.event === 'row'
        ? `{"event":"row","row":${event.text}}\n`
        : `${json({ event: event.event, ...event.data })}\n`,
    quiet: undefined,
  },
} as const satisfies { readonly [type: string]: RowFormat };

/** Integers keep all of their digits. */
const json = (data: object): string => stringify(data) ?? '';
