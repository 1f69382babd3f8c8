/** What the parts of the benchmark share: the options, a folder on the cache's disk, and airferry as an operator runs it. */
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheDir } from '../lab/cache.ts';
import { type Corpus, siteCorpus, tinyCorpus } from '../lab/corpus.ts';
import { must } from '../lab/exec.ts';
import { withLock } from '../lab/lock.ts';

export interface Bench {
  /** The tiny corpus instead of that of a real site: to try the benchmark itself. */
  quick: boolean;
  rounds: number;
  /** A folder for what the runs make; it is taken away at the end. */
  dir: string;
  corpus: Corpus;
  /** The words that run airferry with these arguments. */
  airferry(...args: string[]): string[];
  /** Says how it goes, on standard error. */
  tell(line: string): void;
}

const ROOT = new URL('../..', import.meta.url).pathname;
const BIN = join(ROOT, 'bin/airferry.js');
const BUILT = join(ROOT, 'dist/main.js');

/** The name of the labs of this benchmark. */
export const LAB = 'bench';

/**
 * Call `work` with what it needs; one benchmark at a time on a machine. `$AIRFERRY_BIN` names another airferry to be
 * measured than the one that was built here, a program or a script for Node: an earlier version, for instance.
 */
export async function withBench<T>(
  { quick, rounds }: { quick: boolean; rounds: number },
  work: (bench: Bench) => Promise<T>,
): Promise<T> {
  const tell = (line: string): void => void process.stderr.write(`bench: ${line}\n`);
  const bin = process.env.AIRFERRY_BIN || BIN;
  if (bin === BIN && !existsSync(BUILT)) throw new Error('airferry is not built yet: npm run build');
  const corpus = await (quick ? tinyCorpus() : siteCorpus());
  const dir = join(cacheDir(), 'bench');
  return withLock(join(cacheDir(), 'bench.lock'), 3_600_000, async () => {
    await rm(dir, { recursive: true, force: true });
    await mkdir(dir, { recursive: true });
    try {
      const script = /\.[mc]?[jt]s$/.test(bin);
      const airferry = (...args: string[]): string[] => [...(script ? [process.execPath] : []), bin, ...args];
      return await work({ quick, rounds, dir, corpus, airferry, tell });
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  });
}

/** Read files once, so that no contender is the one that has to fetch them from the disk. */
export async function warm(paths: string[]): Promise<void> {
  for (const path of paths) await must(['find', path, '-type', 'f', '-exec', 'cksum', '{}', '+']);
}

/** Bytes of the files in a folder, however deep. */
export async function bytesBelow(folder: string): Promise<number> {
  const listed = await must(['find', folder, '-type', 'f', '-printf', '%s\n']);
  return listed.split('\n').reduce((sum, size) => sum + Number(size), 0);
}

/** The images at the top of an OCI layout: whole names, `docker.io/site/base:1.0`, and digests of manifests. */
export async function layoutImages(folder: string): Promise<{ name: string; digest: string }[]> {
  const index = JSON.parse(await readFile(join(folder, 'index.json'), 'utf8'));
  return index.manifests.map((entry: { digest: string; annotations: Record<string, string> }) => ({
    name: entry.annotations['org.opencontainers.image.ref.name'],
    digest: entry.digest,
  }));
}

/** Write the recipe `bundle.yaml` with this content; gives back its path. YAML takes JSON. */
export async function writeRecipe({ dir }: Bench, content: Record<string, unknown>): Promise<string> {
  const file = join(dir, 'bundle.yaml');
  const recipe = { name: 'bench', version: '1', platforms: ['linux/amd64'], ...content };
  await writeFile(file, JSON.stringify(recipe, undefined, 2));
  return file;
}

/** Make a bundle of `content`, by default all images of the corpus. */
export async function makeBundle(
  bench: Bench,
  content: Record<string, unknown> = { images: [{ archive: bench.corpus.save20 }] },
): Promise<{ path: string; size: number }> {
  const path = join(bench.dir, 'bundle.tar');
  await must(bench.airferry('bundle', 'create', '-f', await writeRecipe(bench, content), '-o', path));
  return { path, size: (await stat(path)).size };
}
