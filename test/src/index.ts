export { type Answer, type Api, apiOf } from './api.js';
export { type EventuallyOptions, eventually } from './eventually.js';
export { freePort } from './free-port.js';
export { startNatsCluster, type TestCluster } from './servers/cluster.js';
export { type MeshOptions, startMesh, type TestMesh } from './servers/mesh.js';
export { natsServerBinary, startNats, type TestNats, type TestNatsOptions } from './servers/nats.js';
export { type ServiceName, type ServiceProcess, type StartServiceOptions, startService } from './servers/service.js';
export { TcpProxy } from './servers/tcp-proxy.js';
export { type TemporaryDirectory, temporaryDirectory } from './temporary-directory.js';
