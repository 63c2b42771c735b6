import { expect, it } from 'vitest';
import { acceptedType } from './media-type.js';

const offered = ['application/json', 'text/event-stream', 'application/x-ndjson'] as const;

it.each([
  [undefined, 'application/json'],
  ['', 'application/json'],
  ['*/*', 'application/json'],
  ['application/*', 'application/json'],
  ['text/*', 'text/event-stream'],
  ['text/event-stream', 'text/event-stream'],
  ['Text/Event-Stream; charset=utf-8', 'text/event-stream'],
  ['text/event-stream, */*', 'text/event-stream'],
  ['*/*, application/x-ndjson', 'application/x-ndjson'],
  ['application/x-ndjson, application/json', 'application/x-ndjson'],
  ['application/json, application/x-ndjson', 'application/json'],
  ['text/event-stream;q=0.5, application/json;q=0.9', 'application/json'],
  ['text/event-stream;q=0.5, application/*;q=0.4', 'text/event-stream'],
  ['application/json;q=0, */*', 'text/event-stream'],
  ['application/json;q=0, application/*', 'application/x-ndjson'],
  ['text/html, */*;q=0.1', 'application/json'],
  ['text/html', undefined],
  ['*/*;q=0', undefined],
  ['nonsense', undefined],
  ['application/json;q=2', undefined],
])('of what is offered, %s takes %s', (accept, type) => {
  expect(acceptedType(accept, offered)).toBe(type);
});
