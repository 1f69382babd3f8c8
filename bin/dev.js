#!/usr/bin/env node
// Runs airferry from its sources, with nothing built: for work on airferry itself, and for its tests.
import module from 'node:module';
import { fileURLToPath } from 'node:url';

process.env.UV_THREADPOOL_SIZE ??= '4';
module.enableCompileCache(fileURLToPath(new URL('../node_modules/.cache/compile', import.meta.url)));
const { main } = await import('../src/main.ts');
await main(process.argv.slice(2));
