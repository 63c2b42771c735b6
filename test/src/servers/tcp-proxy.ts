import { connect, createServer, type Server, type Socket } from 'node:net';
import { freePort } from '../free-port.js';

/** A wire between client and server that can be made to lose or hold up what goes over it. */
export class TcpProxy {
  #server: Server | undefined;
  readonly #pairs = new Set<readonly [client: Socket, server: Socket]>();
  #answers = true;
  #paused = false;
  #refuses = false;
  #restMs = 0;
  port = 0;
  /** Connections that were tried in vain. */
  refused = 0;

  constructor(readonly target: number) {}

  get url(): string {
    return `nats://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    this.port = await freePort();
    this.#server = createServer((client) => this.#wire(client));
    await new Promise<void>((resolve) => this.#server?.listen(this.port, '127.0.0.1', resolve));
  }

  /** From now on nothing that the server says arrives, while it hears everything. */
  loseAnswers(): void {
    this.#answers = false;
  }

  /** From now on nothing gets through either way, and nothing is lost: also not what is said on connections made meanwhile. */
  pause(): void {
    this.#paused = true;
    for (const pair of this.#pairs) for (const socket of pair) socket.pause();
  }

  /** Connections that are there. */
  get connections(): number {
    return this.#pairs.size;
  }

  /** Connections that are there, and that nothing gets through. */
  get held(): number {
    return this.#paused ? this.#pairs.size : 0;
  }

  /** What was held up gets through. */
  resume(): void {
    this.#paused = false;
    for (const pair of this.#pairs) for (const socket of pair) socket.resume();
  }

  /** From now on each socket rests for so long after each piece that it brought, 64 KiB at most; 0 is as fast as ever. */
  slow(restMs: number): void {
    this.#restMs = restMs;
  }

  /** Cuts every connection, and those that are tried until `cut`. */
  refuse(): void {
    this.cut();
    this.#refuses = true;
  }

  /** Cuts every connection; new ones are whole. */
  cut(): void {
    this.#refuses = false;
    this.#answers = true;
    this.#paused = false;
    for (const pair of this.#pairs) for (const socket of pair) socket.destroy();
  }

  async stop(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server?.close(resolve));
  }

  #wire(client: Socket): void {
    if (this.#refuses) {
      this.refused++;
      client.destroy();
      return;
    }
    const server = connect(this.target, '127.0.0.1');
    const pair = [client, server] as const;
    this.#pairs.add(pair);
    for (const socket of pair) {
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        this.#pairs.delete(pair);
        for (const other of pair) other.destroy();
      });
    }
    client.on('data', (data) => {
      server.write(data);
      this.#rest(client);
    });
    server.on('data', (data) => {
      if (this.#answers) client.write(data);
      this.#rest(server);
    });
    if (this.#paused) for (const socket of pair) socket.pause();
  }
  #rest(socket: Socket): void {
    if (this.#restMs === 0) return;
    socket.pause();
    setTimeout(() => {
      if (!this.#paused) socket.resume();
    }, this.#restMs);
  }
}
