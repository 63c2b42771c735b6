export type * from './report.js';
export { StatusBoard, type StatusBoardOptions } from './status-board.js';
export { type Summary, summarizeConnection, summarizePipeline } from './summary.js';
