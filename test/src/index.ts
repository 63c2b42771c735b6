export { type EventuallyOptions, eventually } from './eventually.js';
export { startNats, type TestNats, type TestNatsOptions } from './servers/nats.js';
