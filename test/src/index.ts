export { type Answer, type Api, apiOf } from './api.js';
export { type EventuallyOptions, eventually } from './eventually.js';
export { freePort } from './free-port.js';
export { type MeshOptions, startMesh, type TestMesh } from './servers/mesh.js';
export { type MonitoredNats, startMonitoredNats } from './servers/monitored-nats.js';
export { natsServerBinary, startNats, type TestNats, type TestNatsOptions } from './servers/nats.js';
export { type ServiceName, type ServiceProcess, type StartServiceOptions, startService } from './servers/service.js';
export { type TemporaryDirectory, temporaryDirectory } from './temporary-directory.js';
