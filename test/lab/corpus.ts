/**
 * The image corpus: the same images in every form in which operators have them, written by the tools that write them:
 * engines 20.10.24 and 26.1.5, gzip, zstd, skopeo, tar. Kept in the cache.
 */
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cached } from './cache.ts';
import { must } from './exec.ts';
import type { Host } from './host.ts';
import { buildImages, SITE_IMAGES, TINY_IMAGES } from './images.ts';
import { installEngine } from './install.ts';
import { Lab } from './lab.ts';

/** The images of one set in all forms; every field but `images` is a path. */
export interface Corpus {
  images: CorpusImage[];
  /** `docker save` of engine 20.10.24, all images in one archive: `<id>/layer.tar`, symlinks for duplicates. */
  save20: string;
  /** `docker save` of engine 26.1.5, all images in one archive: an OCI layout with manifest.json. */
  save26: string;
  /** The first image of the set alone, by 20.10.24. */
  single20: string;
  save20Gzip: string;
  save20Zstd: string;
  save26Gzip: string;
  save26Zstd: string;
  /** An OCI layout (a folder) with gzip layers; the images are named by `org.opencontainers.image.ref.name`. */
  ociLayout: string;
  /** The same layout as one tar archive. */
  ociArchive: string;
  /** The second image of the set alone, an OCI archive by skopeo. */
  ociArchiveSingle: string;
}

export interface CorpusImage {
  /** As given to `docker save`. */
  name: string;
  /** The digest of its config, `sha256:…`: the image id of the classic store. */
  id: string;
  /** The digests of its uncompressed layers, lowest first. */
  diffIds: string[];
}

const SETS = { tiny: TINY_IMAGES, site: SITE_IMAGES };

/** A few MB: busybox:1.35 and two images on top of it that share a layer. */
export function tinyCorpus(): Promise<Corpus> {
  return corpusSet('tiny');
}

/** About 900 MB of layers: site/base:1.0 and three applications on top of it. */
export function siteCorpus(): Promise<Corpus> {
  return corpusSet('site');
}

async function corpusSet(set: keyof typeof SETS): Promise<Corpus> {
  const dir = join(await cached('corpus-1', makeCorpus), set);
  const file = (name: string): string => join(dir, name);
  const { images } = await import(file('images.json'), { with: { type: 'json' } }).then(
    module => module.default,
  );
  return {
    images,
    save20: file('save-20.tar'),
    save26: file('save-26.tar'),
    single20: file('single-20.tar'),
    save20Gzip: file('save-20.tar.gz'),
    save20Zstd: file('save-20.tar.zst'),
    save26Gzip: file('save-26.tar.gz'),
    save26Zstd: file('save-26.tar.zst'),
    ociLayout: file('oci'),
    ociArchive: file('oci.tar'),
    ociArchiveSingle: file('oci-single.tar'),
  };
}

/** Build the images with one engine, carry them to the other, and save them with both. Takes a few minutes. */
async function makeCorpus(dir: string): Promise<void> {
  const lab = await Lab.up({ name: 'corpus', hosts: [{ name: 'old' }, { name: 'new', suite: 'trixie' }] });
  try {
    const older = lab.host('old');
    const newer = lab.host('new');
    await Promise.all([installEngine(older, '20.10.24'), installEngine(newer, '26.1.5')]);
    await buildImages(older);
    for (const [set, names] of Object.entries(SETS)) {
      const folder = join(dir, set);
      await mkdir(folder);
      await describeImages(older, names, join(folder, 'images.json'));
      await save(older, names, join(folder, 'save-20.tar'));
      await save(older, names.slice(0, 1), join(folder, 'single-20.tar'));
      await must(['cp', join(folder, 'save-20.tar'), join(newer.root, 'srv/saved.tar')]);
      await newer.sh('docker load --quiet --input /srv/saved.tar && rm /srv/saved.tar');
      await save(newer, names, join(folder, 'save-26.tar'));
    }
  } finally {
    await lab.down();
  }
  for (const [set, names] of Object.entries(SETS)) await convert(join(dir, set), names);
}

async function describeImages(host: Host, names: string[], file: string): Promise<void> {
  const inspected = JSON.parse(await host.sh(`docker inspect ${names.join(' ')}`));
  const images: CorpusImage[] = names.map((name, i) => ({
    name,
    id: inspected[i].Id,
    diffIds: inspected[i].RootFS.Layers,
  }));
  await writeFile(file, `${JSON.stringify({ images }, undefined, 2)}\n`);
}

async function save(host: Host, names: string[], file: string): Promise<void> {
  const saved = join(host.root, 'srv/saved.tar');
  await host.sh(`docker save --output /srv/saved.tar ${names.join(' ')}`);
  await must(['chmod', '0644', saved]);
  await rename(saved, file).catch(() => must(['mv', saved, file]));
}

async function convert(dir: string, names: string[]): Promise<void> {
  for (const archive of ['save-20.tar', 'save-26.tar']) {
    await must(['gzip', '--keep', '--no-name', '-1', join(dir, archive)]);
    await must(['zstd', '--quiet', '-3', join(dir, archive)]);
  }
  const source = `docker-archive:${join(dir, 'save-20.tar')}`;
  const copy = ['skopeo', '--insecure-policy', 'copy', '--quiet'];
  for (const name of names) await must([...copy, `${source}:${name}`, `oci:${join(dir, 'oci')}:${name}`]);
  await must([
    'tar',
    '--create',
    '--sort=name',
    '--file',
    join(dir, 'oci.tar'),
    '--directory',
    join(dir, 'oci'),
    '.',
  ]);
  const second = names[1] as string;
  await must([...copy, `${source}:${second}`, `oci-archive:${join(dir, 'oci-single.tar')}:${second}`]);
}
