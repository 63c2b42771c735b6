export { type BodyProblem, bodyProblem, loadCheck } from './check.js';
export type { FunctionSource } from './function-source.js';
export { CallFailed, Sandbox } from './sandbox.js';
