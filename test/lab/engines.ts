/**
 * Real Docker engines out of Debian's packages, packed in the exact layout of the publisher's static archive.
 * The binaries are dynamic, so an archive fits hosts of its own suite or a newer one.
 */
import { chmod, copyFile, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { cached } from './cache.ts';
import { must } from './exec.ts';
import { type Suite, unpackedPackages } from './packages.ts';

export const COMPOSE_VERSION = '2.26.1';

interface Engine {
  suite: Suite;
  packages: string[];
  /** The entries of the archive beside the four that all versions have. */
  more: string[];
}

const ENGINES = {
  '20.10.24': {
    suite: 'bookworm',
    packages: ['docker.io', 'containerd', 'runc', 'tini'],
    more: ['containerd', 'containerd-shim', 'containerd-shim-runc-v2', 'ctr', 'runc'],
  },
  '26.1.5': {
    suite: 'trixie',
    packages: ['docker.io', 'docker-cli', 'containerd', 'runc', 'tini', 'docker-compose'],
    more: ['containerd', 'containerd-shim-runc-v2', 'ctr', 'runc'],
  },
} satisfies Record<string, Engine>;

export type EngineVersion = keyof typeof ENGINES;

/** Where Debian puts the binaries. `docker-init` must be the static tini: it runs inside containers. */
const FOLDERS = ['usr/bin', 'usr/sbin'];
const RENAMED: Record<string, string> = { 'docker-init': 'tini-static' };

/** The packages of an engine in the cache: `debs/` and, unpacked, `tree/`. */
export function enginePackages(version: EngineVersion): Promise<string> {
  const { suite, packages } = ENGINES[version];
  return unpackedPackages(`packages-${suite}-1`, suite, packages);
}

/** The path of `docker-VERSION.tgz` in the cache: the same bytes each time it is made of the same packages. */
export async function engineArchive(version: EngineVersion): Promise<string> {
  const name = `docker-${version}.tgz`;
  const entry = await cached(`engine-${version}-1`, async dir => {
    const tree = join(await enginePackages(version), 'tree');
    const folder = join(dir, 'docker');
    await mkdir(folder);
    const names = ['docker', 'dockerd', 'docker-init', 'docker-proxy', ...ENGINES[version].more];
    for (const name of names) {
      const found = await findBinary(tree, RENAMED[name] ?? name);
      await copyFile(found, join(folder, name));
      await chmod(join(folder, name), 0o755);
    }
    const plain = join(dir, `docker-${version}.tar`);
    await must([
      ...['tar', '--create', '--file', plain, '--directory', dir, '--format=ustar', '--sort=name'],
      ...['--mtime=@1700000000', '--owner=0', '--group=0', '--numeric-owner', '--mode=u=rwx,go=rx', 'docker'],
    ]);
    await must(['gzip', '--no-name', '-6', '--suffix=.gz', plain]);
    await must(['mv', `${plain}.gz`, join(dir, name)]);
    await rm(folder, { recursive: true });
  });
  return join(entry, name);
}

/** The path of the compose v2 plugin, a single executable file, in the cache. */
export async function composePlugin(): Promise<string> {
  const packages = await enginePackages('26.1.5');
  return join(packages, 'tree/usr/libexec/docker/cli-plugins/docker-compose');
}

async function findBinary(tree: string, name: string): Promise<string> {
  const found = await must([
    'find',
    ...FOLDERS.map(folder => join(tree, folder)),
    '-name',
    name,
    '-type',
    'f',
  ]);
  const [first] = found.split('\n');
  if (!first) throw new Error(`the packages have no program ${name}`);
  return first;
}
