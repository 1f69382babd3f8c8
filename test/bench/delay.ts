/**
 * A link that takes its time, for benchmarks on one machine: a TCP proxy that hands on every byte so many milliseconds
 * after it came, in either direction, and lets as much be under way as there is. Kernels have netem for that, not all.
 *
 *   node test/bench/delay.ts LISTEN_PORT HOST PORT MILLISECONDS
 */
import { connect, createServer, type Socket } from 'node:net';

/** Bytes under way in one direction before the sender has to wait: far beyond what any window of SSH allows. */
const IN_FLIGHT = 256 * 1024 * 1024;

function delayed(from: Socket, to: Socket, ms: number): void {
  const queue: { due: number; chunk: Buffer | undefined }[] = [];
  let held = 0;
  let waiting = false;
  const wake = (inMs: number): void => {
    if (waiting) return;
    waiting = true;
    setTimeout(deliver, Math.max(1, inMs));
  };
  const deliver = (): void => {
    waiting = false;
    const now = performance.now();
    for (let next = queue[0]; next !== undefined && next.due <= now; next = queue[0]) {
      queue.shift();
      if (next.chunk === undefined) return void to.end();
      held -= next.chunk.length;
      to.write(next.chunk);
    }
    if (held < IN_FLIGHT) from.resume();
    if (queue[0]) wake(queue[0].due - now);
  };
  const take = (chunk: Buffer | undefined): void => {
    queue.push({ due: performance.now() + ms, chunk });
    held += chunk?.length ?? 0;
    if (held >= IN_FLIGHT) from.pause();
    wake(ms);
  };
  from.on('data', take);
  from.on('end', () => take(undefined));
  from.on('error', () => to.destroy());
  from.on('close', () => setTimeout(() => to.end(), ms));
}

const [listen, host, port, ms] = process.argv.slice(2);
const server = createServer({ allowHalfOpen: true, noDelay: true }, near => {
  const far = connect({ host: host ?? '', port: Number(port), allowHalfOpen: true, noDelay: true });
  delayed(near, far, Number(ms));
  delayed(far, near, Number(ms));
});
server.listen(Number(listen), '127.0.0.1', () => process.stdout.write('listening\n'));
