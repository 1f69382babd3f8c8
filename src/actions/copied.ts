/** What a copy has done, name by name: the result of `image copy` and its kin. Pure. */
import type { Digest } from '../content/digest.ts';
import { familiarName, formatReference } from '../content/reference.ts';
import type { CopiedImage, CopyReport, DigestChange } from '../transports/copy.ts';
import type { Inventory } from '../transports/source.ts';
import { type Renamed, unnamedImages } from './renaming.ts';

export interface CopiedName {
  /** As Docker's user writes it; absent for content that has no name. */
  from?: string;
  to?: string;
  /** The rule that made the name; absent where none did. */
  rule?: string;
  /** Of the manifest or index at the target. */
  digest?: Digest;
  /** What the digest was in the source, where it could not be kept, and why. */
  was?: Digest;
  changed?: DigestChange;
  /** The media type that says what it is, if it is no image. */
  artifactType?: string;
  /** The manifest that it is about: signatures and SBOMs name one. */
  subject?: Digest;
  /** Bytes of its blobs that travelled for it, and that did not have to. */
  moved?: number;
  spared?: number;
  /** `present`: the target had it all. `planned`: a dry run. */
  outcome: 'copied' | 'present' | 'planned';
}

export interface ImagesCopied {
  sources: string[];
  target: string;
  dryRun: boolean;
  images: CopiedName[];
  /** Signatures, SBOMs and attestations that went along. */
  referrers: CopiedName[];
  /** Images without a name that were left behind, since the target knows images by name; by ID. */
  unnamed: Digest[];
  /** Names of images that have none of the platforms that are asked for, and were left out; present where there are any. */
  otherPlatforms?: string[];
  /** Blobs and bytes that travelled, were there, or were taken from another repository of the registry. */
  moved: CopyReport['moved'];
  present: CopyReport['present'];
  mounted: CopyReport['mounted'];
  /** What belongs to the images and did not have to travel, each blob once. */
  spared: CopyReport['spared'];
}

/** What is told of a source: how it is called, what its names become, and what was known of it before the copy. */
export interface Told {
  source: { description: string };
  inventory: Inventory | undefined;
  renamed: readonly Renamed[];
}

/** The result of copies out of `opened`, one report for each; none of a dry run. */
export function summary(
  opened: readonly Told[],
  target: string,
  dryRun: boolean,
  reports: readonly CopyReport[],
): ImagesCopied {
  const total = (kind: 'moved' | 'present' | 'mounted' | 'spared') =>
    reports.reduce(
      (sum, report) => ({ blobs: sum.blobs + report[kind].blobs, bytes: sum.bytes + report[kind].bytes }),
      { blobs: 0, bytes: 0 },
    );
  const renamed = opened.flatMap(one => one.renamed);
  const others = dryRun ? [] : leftOut(renamed, reports);
  return {
    sources: opened.map(({ source }) => source.description),
    target,
    dryRun,
    images: distinct(
      dryRun ? renamed.map(planned) : opened.flatMap((one, i) => copied(reports[i], one.renamed)),
    ),
    referrers: reports.flatMap(({ referrers }) => referrers.map(endOf)),
    unnamed: opened.flatMap(({ inventory }) => (inventory ? unnamedImages(inventory) : [])),
    ...(others.length > 0 && { otherPlatforms: others }),
    moved: total('moved'),
    present: total('present'),
    mounted: total('mounted'),
    spared: total('spared'),
  };
}

/** Names that were to be copied, and are at the target under none of what they were to become. */
function leftOut(renamed: readonly Renamed[], reports: readonly CopyReport[]): string[] {
  const there = new Set(reports.flatMap(({ images }) => images.flatMap(({ to }) => to.map(formatReference))));
  const missing = renamed.filter(({ to }) => !there.has(formatReference(to)));
  return [...new Set(missing.map(({ from }) => familiarName(from)))];
}

/** Engines of several hosts often have the same image; it is told once, where it was copied. */
function distinct(images: readonly CopiedName[]): CopiedName[] {
  const seen = new Set<string>();
  return images.filter(({ from, to, digest }) => {
    const key = `${from} ${to} ${digest}`;
    return !seen.has(key) && seen.add(key);
  });
}

function planned({ from, to, rule, content }: Renamed): CopiedName {
  return {
    from: familiarName(from),
    to: formatReference(to),
    ...(rule ? { rule } : {}),
    digest: content,
    outcome: 'planned',
  };
}

/**
 * One line for each name, in the order of the source. What was not known before the copy has kept its names; it comes
 * in the order of the copy.
 */
function copied(report: CopyReport | undefined, renamed: readonly Renamed[]): CopiedName[] {
  const images = report?.images ?? [];
  const ends = new Map(
    images.flatMap(image => image.to.map(to => [formatReference(to), endOf(image)] as const)),
  );
  const known = renamed.flatMap(({ from, to, rule }): CopiedName[] => {
    const name = formatReference(to);
    const end = ends.get(name);
    return end ? [{ from: familiarName(from), to: name, ...(rule ? { rule } : {}), ...end }] : [];
  });
  const told = new Set(known.map(({ to }) => to));
  const others = images.flatMap((image): CopiedName[] => {
    const end = endOf(image);
    if (image.to.length === 0) return [end];
    return image.to
      .map(to => ({ from: familiarName(to), to: formatReference(to), ...end }))
      .filter(({ to }) => !told.has(to));
  });
  return [...known, ...others];
}

function endOf({
  manifest,
  present,
  source,
  changed,
  artifactType,
  subject,
  moved,
  spared,
}: CopiedImage): CopiedName {
  return {
    digest: manifest.digest,
    ...(changed && source ? { was: source, changed } : {}),
    ...(artifactType ? { artifactType } : {}),
    ...(subject ? { subject } : {}),
    moved,
    spared,
    outcome: present ? 'present' : 'copied',
  };
}
