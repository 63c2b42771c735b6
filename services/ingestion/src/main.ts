import { runService } from '@laminar/runtime';
import { boundGarbage } from './heap.js';
import { startIngestion } from './ingestion.js';

boundGarbage();
await runService({ name: 'ingestion', start: startIngestion });
