#!/usr/bin/env node
import { laminar } from '../dist/index.js';

process.exit(await laminar(process.argv.slice(2)));
