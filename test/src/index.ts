export { type Answer, type Api, apiOf } from './api.js';
export { type EventuallyOptions, eventually } from './eventually.js';
export { freePort } from './free-port.js';
export { TestCertificates } from './servers/certificates.js';
export { type MeshOptions, startMesh, type TestMesh } from './servers/mesh.js';
export { natsServerBinary, startNats, type TestNats, type TestNatsOptions } from './servers/nats.js';
export { seedOf, TestOperator } from './servers/operator.js';
export { type ServiceName, type ServiceProcess, type StartServiceOptions, startService } from './servers/service.js';
export { type TemporaryDirectory, temporaryDirectory } from './temporary-directory.js';
