import { connect, type Socket } from 'node:net';
import type { ServerInfo } from '@nats-io/nats-core';
import { reasonOf } from './check.js';

/** A server says who it is in one line, long before it says anything else. */
const greetingBytesMax = 64 * 1024;

/** What the first line of a server says, as far as it is of use here. */
export type ServerGreeting = Pick<ServerInfo, 'version' | 'tls_required' | 'tls_available' | 'tls_verify'>;

/** A server that answered, on a socket that whoever has it must destroy. */
export interface Greeted {
  readonly server: string;
  readonly host: string;
  readonly socket: Socket;
  readonly elapsedMs: number;
  /** Undefined where TLS comes before the first word. */
  readonly greeting: ServerGreeting | undefined;
}

/** A server that did not answer, or something else that did. */
export interface Ungreeted {
  readonly server: string;
  /** Something took the connection. */
  readonly reached: boolean;
  readonly reason: string;
}

/** Opens a socket to a server and waits for its first line, but for `silent`, where TLS comes first. Never throws. */
export async function greet(
  server: string,
  { silent, timeoutMs }: { readonly silent: boolean; readonly timeoutMs: number },
): Promise<Greeted | Ungreeted> {
  const { hostname, port } = new URL(server);
  const host = hostname.replace(/^\[|\]$/g, '');
  const startedAt = performance.now();
  const socket = connect({ host, port: Number(port) });
  // What goes wrong with it later, once nobody uses it, is of no interest.
  socket.on('error', () => undefined);
  let reached = false;
  let silence = 'there was no answer for';
  const timer = setTimeout(() => socket.destroy(new Error(`${silence} ${timeoutMs} ms`)), timeoutMs);
  try {
    await happened(socket, 'connect');
    reached = true;
    silence = 'what listens there is no nats-server, or not its port for clients: it said nothing for';
    const greeting = silent ? undefined : readGreeting(await firstLine(socket));
    return { server, host, socket, elapsedMs: performance.now() - startedAt, greeting };
  } catch (error) {
    socket.destroy();
    return { server, reached, reason: reasonOf(error) };
  } finally {
    clearTimeout(timer);
  }
}

function happened(socket: Socket, event: 'connect'): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once(event, resolve).once('error', reject);
  });
}

/** Leaves everything behind the line to whoever reads the socket next. */
function firstLine(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const onData = (data: Buffer) => {
      text += data.toString('latin1');
      const end = text.indexOf('\r\n');
      if (end === -1 && text.length < greetingBytesMax) return;
      socket.off('data', onData).pause();
      resolve(end === -1 ? text : Buffer.from(text.slice(0, end), 'latin1').toString('utf8'));
    };
    socket.on('data', onData);
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('the connection was closed before a server said who it is')));
  });
}

function readGreeting(line: string): ServerGreeting {
  const info = /^INFO (\{.*\})\s*$/.exec(line)?.[1];
  if (info === undefined) throw new Error('what answers there is no nats-server; is it the port of clients?');
  return JSON.parse(info) as ServerGreeting;
}
