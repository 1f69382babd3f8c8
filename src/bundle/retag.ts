/**
 * New names for the images of a bundle, without moving a layer. The documents at its end are written anew, its manifest
 * among them, and the head at its start, which names the manifest by digest: one change, finished as a whole or not at all.
 */
import { digestOf } from '../content/digest.ts';
import { formatReference, parseReference } from '../content/reference.ts';
import { AirferryError } from '../errors.ts';
import { BLOCK } from '../tar/header.ts';
import type { TailFile } from '../transports/archive/tail.ts';
import type { NameRequest, Renames } from '../transports/names.ts';
import { blobPath } from '../transports/oci/file-store.ts';
import { assertOneFile } from '../transports/parts/open.ts';
import {
  type ArchiveKind,
  type Retagged,
  type RetagOptions,
  retagArchive,
} from '../transports/retag-in-place.ts';
import {
  type BundleManifest,
  formatBundleManifest,
  formatHead,
  HEAD_SIZE,
  isKnownFormat,
  parseHead,
} from './manifest.ts';
import { Bundle } from './open.ts';
import { isSignature, signatureEntries } from './sign/entries.ts';

/**
 * Change names in a bundle. It stays valid; the digest that stands for it changes. Throws what `retagInPlace` does, and
 * BUNDLE_INVALID, also for a bundle of a newer format.
 */
export async function retagBundle(
  path: string,
  request: NameRequest,
  options: RetagOptions = {},
): Promise<Retagged> {
  const bundle = Bundle.open(path);
  const { head, manifest, file: whole } = bundle;
  bundle.close();
  assertOneFile(whole);
  if (!isKnownFormat(manifest)) throw newer(path, manifest);
  const manifestPath = blobPath(head.manifest.digest);
  const kind: ArchiveKind = {
    others(file, entries) {
      const now = parseHead(file.readAt(BLOCK, HEAD_SIZE), path);
      if (now.manifest.digest !== head.manifest.digest) throw changedMeanwhile(path);
      return [manifestPath, ...signatureEntries(entries).map(({ name }) => name)];
    },
    async follow(files, renames) {
      const digest = ({ bytes }: TailFile) => ({ digest: digestOf(bytes), size: bytes.length });
      const documents = { ...manifest.documents };
      for (const file of files) if (isDocument(file.path, documents)) documents[file.path] = digest(file);
      const images = manifest.images.flatMap(image => renamedImage(image, renames));
      const bytes = formatBundleManifest({ ...manifest, images: distinct(images), documents });
      const descriptor = { ...head.manifest, digest: digestOf(bytes), size: bytes.length };
      // Signatures are over the manifest that was, and go with it.
      const others = files.filter(({ path }) => path !== manifestPath && !isSignature(path));
      const name = blobPath(descriptor.digest);
      return {
        files: [...others, { name, path: name, bytes }],
        writes: [{ offset: BLOCK, bytes: formatHead({ ...head, manifest: descriptor }) }],
      };
    },
  };
  return retagArchive(path, request, options, kind);
}

type Image = BundleManifest['images'][number];
type Documents = BundleManifest['documents'];

function isDocument(path: string, documents: Documents): path is keyof Documents {
  return Object.hasOwn(documents, path);
}

/** As `index.json` has them: one for each name, and one without where content has none. */
function renamedImage(image: Image, renames: Renames): Image[] {
  const { name, ...rest } = image;
  const to = name ? renames.of(parseReference(name)) : renames.ofUnnamed(image.digest);
  return to.length === 0 ? [rest] : to.map(other => ({ name: formatReference(other), ...rest }));
}

function distinct(images: Image[]): Image[] {
  const named = new Set(images.filter(({ name }) => name).map(({ digest }) => digest));
  const seen = new Map<string, Image>();
  for (const image of images) {
    if (image.name || !named.has(image.digest)) seen.set(`${image.name} ${image.digest}`, image);
  }
  return [...seen.values()];
}

/** Written anew here, the manifest would lose what is not known here. */
function newer(path: string, { schemaVersion, needs }: BundleManifest): AirferryError {
  return new AirferryError(
    'BUNDLE_INVALID',
    `${path} has format ${schemaVersion}, which this airferry can read but not change`,
    { where: { file: path }, suggestions: [`Use ${needs} or newer.`] },
  );
}

function changedMeanwhile(path: string): AirferryError {
  return new AirferryError('FILE_UNWRITABLE', `${path} was changed by another process meanwhile`, {
    where: { file: path },
    suggestions: ['Run the command again.'],
  });
}
