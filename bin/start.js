// What has to be settled before any of airferry's code is loaded.
import { existsSync } from 'node:fs';
import module from 'node:module';
import { availableParallelism, homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

// Hashing, compressing and reading files run side by side on libuv's pool, which is made at its first use.
process.env.UV_THREADPOOL_SIZE ??= String(Math.max(4, availableParallelism()));

// Compiled code is kept in the user's own cache: the default, a folder in /tmp, is open to others.
const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
if (!process.env.NODE_COMPILE_CACHE) module.enableCompileCache(join(cache, 'airferry', 'node'));

const entry = new URL('../dist/main.js', import.meta.url);
if (!existsSync(entry)) {
  const checkout = fileURLToPath(new URL('..', import.meta.url));
  process.stderr.write(
    `error: this checkout of airferry is not built yet\n  → (cd ${checkout} && npm ci && npm run build)\n`,
  );
  process.exit(1);
}
const { main } = await import(entry.href);
await main(process.argv.slice(2));
