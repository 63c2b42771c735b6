import { runService } from '@laminar/runtime';
import { startIngestion } from './ingestion.js';

await runService({ name: 'ingestion', start: startIngestion });
