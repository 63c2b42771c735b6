export { laminar } from './laminar.js';
