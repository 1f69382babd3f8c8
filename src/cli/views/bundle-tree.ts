/** `bundle inspect --tree`: everything in a bundle below what it belongs to. */
import { imageFamilies } from '../../bundle/image-families.ts';
import type {
  BundleInspection,
  InspectedImage,
  InspectedLayer,
  InspectedReferrer,
} from '../../bundle/inspect.ts';
import { shortDigest } from '../../content/digest.ts';
import { formatBytes, plural } from '../../support/format.ts';
import type { Look } from '../terminal.ts';
import { type Branch, tree } from '../tree.ts';

export function bundleTree(bundle: BundleInspection, look: Look): string[] {
  const { name, version, platforms, size, digest } = bundle;
  const root: Branch = {
    text: `${name} ${version}`,
    more: `${platforms.join(', ')}, ${formatBytes(size)}, ${digest}`,
    branches: [
      ...engine(bundle),
      ...section(
        'units',
        bundle.units.map(unit => ({ text: unit.name, more: formatBytes(unit.size) })),
      ),
      ...section(
        'daemon.json',
        Object.entries(bundle.daemon).map(([key, value]) => ({ text: `${key}: ${JSON.stringify(value)}` })),
      ),
      ...section(plural(bundle.images.length, 'image'), images(bundle)),
      ...section(
        'artifacts',
        bundle.artifacts.map(artifact => referrer(artifact, artifact.names)),
      ),
      ...section(
        'files',
        bundle.files.map(({ path, mode, size, platform }) => ({
          text: path,
          more: [mode, ...(platform ? [platform] : []), formatBytes(size)].join(', '),
        })),
      ),
      ...section(
        'signatures',
        bundle.signatures.map(keyId => ({ text: `by key ${keyId}` })),
      ),
    ],
  };
  return tree(root, look);
}

function section(text: string, branches: Branch[]): Branch[] {
  return branches.length === 0 ? [] : [{ text, branches }];
}

function engine({ engine, compose }: BundleInspection): Branch[] {
  const made: Branch[] = [];
  if (engine) {
    made.push({
      text: `docker ${engine.version}`,
      branches: engine.archives.map(({ platform, size, digest, components }) => ({
        text: platform,
        more: about(size, digest),
        branches: components.map(text => ({ text })),
      })),
    });
  }
  if (compose) {
    made.push({
      text: `compose ${compose.version}`,
      branches: compose.binaries.map(({ platform, size, digest }) => ({
        text: platform,
        more: about(size, digest),
      })),
    });
  }
  return made;
}

function images(bundle: BundleInspection): Branch[] {
  return imageFamilies(bundle).map(({ names, index, images }): Branch => {
    const [name, ...others] = names;
    const [only] = images;
    const also = others.length > 0 ? `also ${others.join(', ')}` : '';
    return {
      text: name ?? `<none> ${shortDigest(index?.digest ?? only?.digest ?? 'sha256:')}`,
      more: [also, index ? `index ${shortDigest(index.digest)}` : ''].filter(Boolean).join(', '),
      branches: [...images.map(image), ...(index?.referrers ?? []).map(one => referrer(one))],
    };
  });
}

function image({ platform, size, digest, layers, referrers }: InspectedImage): Branch {
  return {
    text: platform,
    more: about(size, digest),
    branches: [...layers.map(layer), ...referrers.map(one => referrer(one))],
  };
}

function layer({ digest, size, images, absent }: InspectedLayer, i: number): Branch {
  const notes = [
    formatBytes(size),
    ...(images > 1 ? [`shared by ${images} images`] : []),
    ...(absent ? ['not in this bundle'] : []),
  ];
  return { text: `layer ${i + 1} ${shortDigest(digest)}`, more: notes.join(', ') };
}

function referrer({ title, digest, size, referrers }: InspectedReferrer, names: string[] = []): Branch {
  return {
    text: [title, ...names].join(' '),
    more: about(size, digest),
    branches: referrers.map(one => referrer(one)),
  };
}

function about(size: number, digest: InspectedReferrer['digest']): string {
  return `${formatBytes(size)}, ${shortDigest(digest)}`;
}
