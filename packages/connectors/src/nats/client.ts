import { type ConnectionOptions, errors, type NatsConnection } from '@nats-io/nats-core';
import { NatsConnectionImpl, ProtocolHandler, setTransportFactory } from '@nats-io/nats-core/internal';
import { NodeTransport, nodeResolveHost } from '@nats-io/transport-node/lib/node_transport.js';
import { dialGate } from './dial-gate.js';

/** The client's own, which takes turns with the others of the process where it dials, and notices that a server ends before it let it in. */
class Protocol extends ProtocolHandler {
  /** Told each time that it dials, with the milliseconds of the wall clock from which the client counts the wait for the next. */
  onDial: (atMs: number) => void = () => undefined;

  /** An attempt at a server, once it is its turn; whoever waits from one to the next does not wait for the turn as well. */
  override _doDial(server: Parameters<ProtocolHandler['_doDial']>[0]): Promise<void> {
    return dialGate.pass(server.listen, async () => {
      if (this.isClosed()) throw new errors.ClosedConnectionError();
      server.lastConnect = Date.now();
      this.onDial(server.lastConnect);
      await super._doDial(server);
    });
  }

  /**
   * Without this the client waits for a PONG until its time is up, also where the socket that would bring it has ended: a server that restarts in that moment is
   * not dialled again for seconds, and of one that is full (`max_connections`) nobody learns that it is.
   */
  override async dial(server: Parameters<ProtocolHandler['dial']>[0]): Promise<void> {
    const { lastError } = this;
    // All of what is of this attempt is there before it waits for the first time.
    const dialling = super.dial(server);
    const { transport, connectError: fail } = this;
    void transport.closed().then((error) => {
      const said = this.lastError === lastError ? undefined : this.lastError;
      // Of no effect once it is let in.
      fail?.(said ?? error ?? new errors.ConnectionError('the server ended the connection before it let it in'));
    });
    return dialling;
  }
}

/** Connects as `connect` of `@nats-io/transport-node` does, to a server that speaks the NATS client protocol over TCP or TLS. Throws what that throws. `onDial` is told as `Protocol.onDial`. */
export async function connect(options: ConnectionOptions, onDial: (atMs: number) => void): Promise<NatsConnection> {
  setTransportFactory({ factory: () => new NodeTransport(), dnsResolveFn: nodeResolveHost });
  // By its types only the client's own `connect` makes one.
  const nc: NatsConnectionImpl = Reflect.construct(NatsConnectionImpl, [options]);
  const protocol = new Protocol(nc.options, nc);
  protocol.onDial = onDial;
  await protocol.dialLoop();
  nc.protocol = protocol;
  return nc;
}
