/** New names for images of a registry: manifests are stored under more names, blobs mounted; no layer moves. */
import { formatReference, parseReference, type Reference } from '../content/reference.ts';
import { AirferryError } from '../errors.ts';
import type { Meter } from '../support/meter.ts';
import type { RegistryLocation } from '../transports/location.ts';
import { changesNames, type NameChange, type NameRequest, planNames } from '../transports/names.ts';
import type { Retagged, RetagOptions } from '../transports/retag-in-place.ts';
import type { ImageSource } from '../transports/source.ts';
import { type Access, openDestination, openSource } from './image-places.ts';

export type RegistryRetagOptions = RetagOptions & Access & { meter: Meter };

/**
 * Retag in a registry; old names stay, since a registry takes no single name away. Rules see all that the location
 * leads to. Throws USAGE for `remove`, and what `planNames` and registries throw.
 */
export async function retagInRegistry(
  location: RegistryLocation,
  request: NameRequest,
  options: RegistryRetagOptions,
): Promise<Retagged> {
  if (request.remove?.length) {
    throw new AirferryError(
      'USAGE',
      'a registry takes no single name away, only an image with all of its names',
      {
        suggestions: ['Leave out --remove; the registry itself, or Harbor, may delete tags.'],
      },
    );
  }
  const rename = request.rename && renameWithin(request.rename, location);
  const { source, close } = await openSource(
    rename ? { ...location, image: rename.image } : location,
    options,
  );
  try {
    const asked = { ...request, keep: true, ...(rename && { rename }) };
    const changes = planNames(await source.inventory(), asked, source.description);
    const changed = changesNames(changes) && !options.dryRun;
    if (changed) await storeNames(location.registry, source, changes, options);
    return { source: source.description, changes, changed };
  } finally {
    await close();
  }
}

async function storeNames(
  registry: string,
  source: ImageSource,
  changes: readonly NameChange[],
  options: RegistryRetagOptions,
): Promise<void> {
  const added = new Map(
    changes.map(({ from, to }) => {
      const before = from && formatReference(from);
      return [before, to.filter(name => formatReference(name) !== before)];
    }),
  );
  const { meter, signal, sourcePlainHttp } = options;
  const target = { transport: 'docker', registry } as const;
  const destination = await openDestination(target, { ...options, targetPlainHttp: sourcePlainHttp });
  try {
    const copy = await destination.prepare(source, {
      names: from => from.flatMap(name => added.get(formatReference(name)) ?? []),
      unnamed: false,
      compression: 'gzip',
      meter,
      ...(signal && { signal }),
    });
    await copy.run();
    await destination.commit();
  } finally {
    await destination.discard();
  }
}

/** Names without a registry are meant in this one, below its prefix. */
function renameWithin(
  { from, to }: NonNullable<NameRequest['rename']>,
  { registry, prefix }: RegistryLocation,
): { image: Reference; from: string; to: Reference } {
  const place = prefix === undefined ? registry : `${registry}/${prefix}`;
  const image = parseReference(from.startsWith(`${registry}/`) ? from : `${place}/${from}`);
  if (to.registry !== registry && to.registry !== 'docker.io') {
    throw new AirferryError('USAGE', `${formatReference(to)} is in another registry than ${place}`, {
      suggestions: [
        `Copy it there: airferry image copy docker://${formatReference(image)} docker://${formatReference(to)}`,
      ],
    });
  }
  const path = to.registry === registry ? to.repository : to.repository.replace(/^library\//, '');
  const below = to.registry === registry || prefix === undefined ? path : `${prefix}/${path}`;
  return { image, from: formatReference(image), to: { ...to, registry, repository: below } };
}
