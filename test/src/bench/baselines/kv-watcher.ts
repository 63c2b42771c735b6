// The baseline of `applied`: whoever watches a KV bucket subscribes to what a new entry names, and tells when the server has taken that.
import { Kvm } from '@nats-io/kv';
import { connectNats, ready } from './parent.js';

const nc = await connectNats();
const kv = await new Kvm(nc).create('hand_definitions');
const entries = await kv.watch();
ready();
for await (const { value, key } of entries) {
  nc.subscribe(new TextDecoder().decode(value), { callback: () => undefined });
  await nc.flush();
  nc.publish(`hand.applied.${key}`);
}
