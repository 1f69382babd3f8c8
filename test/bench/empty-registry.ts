/** Registries that the parts of the benchmark push into: empty each time, asked afterwards what they hold and were asked. */
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Lab } from '../lab/lab.ts';
import type { Registry } from '../lab/registry.ts';
import type { Bench } from './bench.ts';
import type { Contender } from './contest.ts';
import { type Cost, measure } from './measure.ts';
import { skopeoMemory } from './peers.ts';

/** A name in a registry, `site/base:1.0`, with the digest of its manifest where that is known beforehand. */
export interface Pushed {
  name: string;
  digest?: string;
}

/** A registry that has nothing, for the time of `work`. */
export async function withEmpty<T>(lab: Lab, work: (registry: Registry) => Promise<T>): Promise<T> {
  const registry = await lab.startRegistry();
  try {
    return await work(registry);
  } finally {
    await registry.stop();
    await rm(registry.root, { recursive: true });
  }
}

/** Throws unless the registry has every image under its name, with the manifest that it should have. */
export async function expectAll(lab: Lab, list: Pushed[], { address }: Registry): Promise<void> {
  for (const { name, digest } of list) {
    const format = ['--tls-verify=false', '--format', '{{.Digest}}'];
    const { stdout, stderr } = await lab.run(['skopeo', 'inspect', ...format, `docker://${address}/${name}`]);
    const found = stdout.trim();
    if (digest === undefined ? !found.startsWith('sha256:') : found !== digest)
      throw new Error(`${name} is not ${digest ?? 'there'} in the registry: ${stdout}${stderr}`);
  }
}

/** The requests that the registry has answered so far, from its own access log: `"PUT /v2/… HTTP/1.1"`. */
export async function requests({ logFile }: Registry): Promise<string[]> {
  // A line is written after its answer was sent.
  await sleep(300);
  return (await readFile(logFile, 'utf8')).match(/"[A-Z]+ \/v2\/\S* HTTP\/1\.1"/g) ?? [];
}

/** A tool that pushes into an empty registry, by one command or one for each image. */
export function pusher(
  name: string,
  { dir }: Bench,
  lab: Lab,
  list: Pushed[],
  commands: (registry: Registry) => string[][],
  { again = false, check = true } = {},
): Contender {
  const memory = join(dir, 'memory');
  const once = (registry: Registry): Promise<Cost> =>
    measure(commands(registry), { by: lab.run, env: skopeoMemory(memory) });
  return {
    name,
    run: () =>
      withEmpty(lab, async registry => {
        if (again) await once(registry);
        const cost = await once(registry);
        await rm(memory, { recursive: true, force: true });
        if (check) await expectAll(lab, list, registry);
        return cost;
      }),
  };
}
