/** What images are called where they go: which of them are wanted, their new names, and that no two get the same. Pure. */
import { isReferrerTag } from '../content/artifact.ts';
import type { Digest } from '../content/digest.ts';
import { familiarName, formatReference, parseReference, type Reference } from '../content/reference.ts';
import { collisions, type Renaming, type RetagRule, retag } from '../content/retag.ts';
import { AirferryError, type Where } from '../errors.ts';
import { closest } from '../support/suggest.ts';
import type { Location } from '../transports/location.ts';
import { digestsHeld, type ForetoldImage, type Inventory } from '../transports/source.ts';

/** How the images of a copy get their names. */
export type Naming =
  /** Archives and engines: names stay, but for what rules change. */
  | { kind: 'keep'; rules: readonly RetagRule[] }
  /** A registry: the path stays, below `prefix` if there is one. */
  | { kind: 'registry'; registry: string; prefix?: string; rules: readonly RetagRule[] }
  /** The target names the one image that goes there. */
  | { kind: 'one'; to: Reference };

/** A name of some content, and what it becomes. */
export interface Renamed extends Renaming {
  /** What tells the content from other content: the digest of its manifest or index, or that of its config. */
  content: Digest;
  /** Of an image's config. The same image has it with a manifest of its own and without one. */
  config?: Digest;
}

/** How a target wants its images named. Throws USAGE for rules beside a target that is one name already. */
export function namingFor(target: Location, rules: readonly RetagRule[]): Naming {
  const to = nameIn(target);
  if (to && rules.length > 0) {
    throw new AirferryError('USAGE', 'retag rules and a target that names its image exclude each other', {
      suggestions: [`Leave out --retag, or the name ${familiarName(to)} from the target.`],
    });
  }
  if (to) return { kind: 'one', to };
  if (target.transport === 'docker') {
    const { registry, prefix } = target;
    return { kind: 'registry', registry, ...(prefix ? { prefix } : {}), rules };
  }
  return { kind: 'keep', rules };
}

/** The name that a location gives to one image. A bare tag of a layout is the tag of no repository: `layout:7`. */
function nameIn(target: Location): Reference | undefined {
  switch (target.transport) {
    case 'docker':
    case 'docker-daemon':
      return target.image;
    case 'path':
      return undefined;
    default:
      return target.name === undefined ? undefined : parseReference(target.name);
  }
}

/** The new name of an image. Throws RULE_INVALID. */
export function rename(from: Reference, naming: Naming): Renaming {
  switch (naming.kind) {
    case 'one':
      return { from, to: naming.to };
    case 'keep':
      return retag(from, naming.rules);
    case 'registry': {
      const { registry, prefix, rules } = naming;
      const renamed = retag(from, rules, registry);
      if (prefix === undefined || renamed.rule !== undefined) return renamed;
      const path =
        from.registry === 'docker.io' ? from.repository.replace(/^library\//, '') : from.repository;
      return { from, to: { ...renamed.to, repository: `${prefix}/${path}` } };
    }
  }
}

/** What is to be copied of all that there is, and how it is named. */
export interface Choice {
  naming: Naming;
  /** The images that are asked for; all when absent. */
  wanted?: readonly Asked[];
}

/** An image that is asked for by name, and the name that it is to go on under. */
export interface Asked {
  name: Reference;
  as?: Reference;
  /** `os/architecture[/variant]`; all that the image has where nobody chose. */
  platforms?: readonly string[];
}

/** What a name becomes: nothing where it is not wanted, several names where it is wanted as several. Throws RULE_INVALID. */
export function renamings(from: Reference, { naming, wanted }: Choice): Renaming[] {
  if (!wanted) return [rename(from, naming)];
  const name = familiarName(from);
  return wanted
    .filter(asked => familiarName(asked.name) === name)
    .map(({ as }) => (as ? { from, to: placed(as, naming) } : rename(from, naming)));
}

/** A name that a list gives: below the registry that images go to, unless it says that itself. */
function placed(as: Reference, naming: Naming): Reference {
  if (naming.kind === 'one') return naming.to;
  if (naming.kind === 'keep' || as.registry === naming.registry) return as;
  if (as.registry === 'docker.io') return rename(as, { ...naming, rules: [] }).to;
  throw new AirferryError(
    'RULE_INVALID',
    `${formatReference(as)} is asked for, but the images go to ${naming.registry}`,
    { suggestions: [`Let the name in the list begin with ${naming.registry}/, or leave the registry out.`] },
  );
}

/** A name and what tells its content from other content; see `Renamed`. */
export interface NamedContent {
  name: Reference;
  content: Digest;
  config?: Digest;
}

/** Each name of an inventory with its content. Tags by which signatures and SBOMs are found are none: they follow their subject. */
export function namedContent(inventory: Inventory): NamedContent[] {
  const { images, indexes } = inventory;
  const held = digestsHeld(inventory);
  const ofImages = images.flatMap(({ names, manifest, config, subject }) =>
    names
      .filter(({ tag }) => !(subject && held.has(subject) && isReferrerTag(tag ?? '')))
      .map(name => ({
        name,
        content: (manifest ?? config).descriptor.digest,
        config: config.descriptor.digest,
      })),
  );
  return [
    ...ofImages,
    ...indexes.flatMap(({ names, index }) => names.map(name => ({ name, content: index.descriptor.digest }))),
  ];
}

/** Each name that a source foretells, with its content. */
export function namedForetold(images: readonly ForetoldImage[]): { name: Reference; content: Digest }[] {
  return images.flatMap(({ names, id }) => names.map(name => ({ name, content: id })));
}

/** IDs of images that neither a name nor an index leads to; what is about another image is none itself. */
export function unnamedImages({ images, indexes }: Inventory): Digest[] {
  const children = new Set(indexes.flatMap(index => index.children));
  return images
    .filter(
      ({ names, manifest, subject }) =>
        names.length === 0 &&
        subject === undefined &&
        !(manifest && children.has(manifest.descriptor.digest)),
    )
    .map(({ config }) => config.descriptor.digest);
}

/** Throws IMAGE_NOT_FOUND, with what may have been meant, for an image that is asked for and not among `found`. */
export function expectAll(
  wanted: readonly (Asked & { origins?: readonly { where: Where }[] })[],
  found: Iterable<Reference>,
  source: string,
): void {
  const names = new Set([...found].map(familiarName));
  const missing = wanted.filter(({ name }) => !names.has(familiarName(name)));
  const [first] = missing;
  if (!first) return;
  const name = familiarName(first.name);
  const near = closest(name, names);
  const more = missing.length > 1 ? ` (and ${missing.length - 1} more)` : '';
  throw new AirferryError('IMAGE_NOT_FOUND', `${source} has no image ${name}${more}`, {
    where: first.origins?.[0]?.where ?? {},
    suggestions: [...(near ? [`Did you mean ${near}?`] : []), 'See what it has with `airferry image list`.'],
  });
}

/** Throws RULE_COLLISION when different content would get one name, USAGE when several images go to one place. */
export function refuseCollisions(renamed: readonly Renamed[], naming: Naming): void {
  // `docker save` knows no manifests: what it calls by its config is that image, whoever gave it a manifest since.
  const bare = new Set(renamed.filter(({ content, config }) => content === config).map(one => one.content));
  const image = ({ content, config }: Renamed): Digest => (config && bare.has(config) ? config : content);
  const found = collisions(renamed.map(one => ({ ...one, image: image(one) })));
  if (found.length === 0) return;
  if (naming.kind === 'one') {
    const names = [...new Set(renamed.map(({ from }) => familiarName(from)))];
    throw new AirferryError(
      'USAGE',
      `${names.length} images cannot all become ${formatReference(naming.to)}: ${names.slice(0, 5).join(', ')}${names.length > 5 ? ', …' : ''}`,
      { suggestions: ['Choose one with --only, or leave the name out of the target: then all keep theirs.'] },
    );
  }
  const lines = found.map(({ to, from }) => `  ${to} from ${from.join(' and ')}`);
  throw new AirferryError(
    'RULE_COLLISION',
    `different images would get the same name; nothing was sent:\n${lines.join('\n')}`,
    {
      suggestions: [
        'Write a more particular rule before the one that is too wide; --dry-run shows what each name becomes.',
      ],
    },
  );
}
