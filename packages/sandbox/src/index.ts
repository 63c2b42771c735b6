export { type BodyProblem, bodyProblem, loadCheck } from './check.js';
export type { FunctionSource } from './function-source.js';
export { callTimeMsMax } from './limits.js';
export { CallFailed, Sandbox } from './sandbox.js';
