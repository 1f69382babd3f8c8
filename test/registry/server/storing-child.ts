/** A registry over the folder that is its argument, in a process of its own, to be killed. Tells its address on stdout. */
import { serveRegistry } from '../../../src/registry/server/server.ts';
import { openStorage } from '../../../src/registry/server/storage/storage.ts';

const storage = await openStorage(process.argv[2] ?? '');
const server = await serveRegistry(storage, { listen: { host: '127.0.0.1', port: 0 } });
process.stdout.write(`${server.address}\n`);
