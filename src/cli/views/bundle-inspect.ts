/** `bundle inspect`: a bundle as a report on one or two screens. */
import { imageFamilies } from '../../bundle/image-families.ts';
import type { BundleInspection, InspectedImage, InspectedReferrer } from '../../bundle/inspect.ts';
import { shortDigest } from '../../content/digest.ts';
import { formatBytes, plural } from '../../support/format.ts';
import { byName, pairs, table } from '../table.ts';
import type { Look } from '../terminal.ts';
import { clean } from '../text.ts';

const INDENT = '  ';
/** Where units that only add to others lie. */
const DROP_INS = 'drop-ins/';

export function bundleReport(bundle: BundleInspection, look: Look): string[] {
  const { paint } = look;
  const sections = [
    [
      paint.bold(clean(`${bundle.name} ${bundle.version}`)),
      ...pairs(
        [
          ['file', bundle.path],
          ['size', `${formatBytes(bundle.size)} in ${plural(bundle.blobs, 'blob')}`],
          ['platforms', bundle.platforms.join(', ')],
          ...leftOut(bundle),
        ],
        look,
        INDENT,
      ),
      `${INDENT}${bundle.digest}`,
    ],
    engine(bundle, look),
    daemon(bundle, look),
    images(bundle, look),
    referrers(bundle, look),
    files(bundle, look),
    signatures(bundle, look),
  ];
  return sections.filter(lines => lines.length > 0).flatMap((lines, i) => (i === 0 ? lines : ['', ...lines]));
}

function leftOut({ leftOut }: BundleInspection): [string, string][] {
  if (!leftOut) return [];
  const { blobs, bytes, bases } = leftOut;
  return [['left out', `${formatBytes(bytes)} in ${plural(blobs, 'blob')} of ${bases.join(' and ')}`]];
}

function engine({ engine, compose, units }: BundleInspection, look: Look): string[] {
  const entries: [string, string][] = [];
  for (const { platform, size, components } of engine?.archives ?? []) {
    entries.push([`docker ${engine?.version}`, `${platform}, ${formatBytes(size)}`]);
    if (look.verbose) entries.push(['', components.join(', ')]);
  }
  for (const { platform, size } of compose?.binaries ?? [])
    entries.push([`compose ${compose?.version}`, `${platform}, ${formatBytes(size)}`]);
  const names = units.map(({ name }) => name);
  const dropIns = names.filter(name => name.startsWith(DROP_INS));
  const whole = names.filter(name => !name.startsWith(DROP_INS));
  const more = dropIns.length > 0 ? [`${plural(dropIns.length, 'drop-in')} for different systemd`] : [];
  if (units.length > 0)
    entries.push(['units', (look.verbose ? names.toSorted() : [...whole.toSorted(), ...more]).join(', ')]);
  return entries.length === 0 ? [] : [look.paint.bold('Engine'), ...pairs(entries, look, INDENT)];
}

function daemon({ daemon }: BundleInspection, look: Look): string[] {
  const entries = Object.entries(daemon).map(([key, value]) => [key, JSON.stringify(value)] as const);
  return entries.length === 0 ? [] : [look.paint.bold('daemon.json'), ...pairs(entries, look, INDENT)];
}

function images({ images, shared }: BundleInspection, look: Look): string[] {
  if (images.length === 0) return [];
  const rows = byName(images).flatMap(image => {
    const names = image.names.length > 0 ? image.names : [shortId(image)];
    return names.map((name, i) => (i === 0 ? [name, ...figures(image)] : [name]));
  });
  const stored = shared + images.reduce((sum, { unique }) => sum + unique, 0);
  const total = images.reduce((sum, { size }) => sum + size, 0);
  const spared = total > stored ? `; sharing spares ${formatBytes(total - stored)}` : '';
  return [
    look.paint.bold(plural(images.length, 'image')),
    ...table(
      [
        { title: 'NAME', folds: true },
        { title: 'PLATFORM' },
        { title: 'LAYERS', align: 'right' },
        { title: 'SIZE', align: 'right' },
        { title: 'UNIQUE', align: 'right' },
      ],
      rows,
      look,
      INDENT,
    ),
    `${INDENT}${formatBytes(stored)} of layers, ${formatBytes(shared)} of them in several images${spared}`,
  ];
}

/** Signatures, SBOMs and attestations: how many of which kind each image has. Artifacts of their own follow. */
function referrers(bundle: BundleInspection, look: Look): string[] {
  const about = imageFamilies(bundle).flatMap(({ names, index, images }) => {
    const all = [...(index?.referrers ?? []), ...images.flatMap(image => image.referrers)].flatMap(withInner);
    if (all.length === 0) return [];
    const titles = Map.groupBy(all, ({ title }) => title);
    const words = [...titles].map(([title, same]) => (same.length > 1 ? `${same.length} × ${title}` : title));
    return [[names[0] ?? shortId(images[0]), words.join(', ')]];
  });
  const own = bundle.artifacts.map(({ names, digest, title }) => [names[0] ?? shortDigest(digest), title]);
  const lines = [...about, ...own];
  if (lines.length === 0) return [];
  return [
    look.paint.bold('Signatures, SBOMs and attestations'),
    ...table(
      [
        { title: 'ABOUT', folds: true },
        { title: 'WHAT', folds: true },
      ],
      lines,
      look,
      INDENT,
    ),
  ];
}

function withInner(referrer: InspectedReferrer): InspectedReferrer[] {
  return [referrer, ...referrer.referrers.flatMap(withInner)];
}

function signatures({ signatures }: BundleInspection, look: Look): string[] {
  if (signatures.length === 0) return [];
  return [
    look.paint.bold(plural(signatures.length, 'signature')),
    ...pairs(
      signatures.map(keyId => ['by key', keyId] as const),
      look,
      INDENT,
    ),
  ];
}

function figures({ platform, layers, size, unique }: InspectedImage): string[] {
  return [platform, String(layers.length), formatBytes(size), formatBytes(unique)];
}

/** As Docker shows an image without a name. */
function shortId(image: InspectedImage | undefined): string {
  return `<none> ${(image?.id ?? '').replace(/^sha256:/, '').slice(0, 12)}`;
}

function files({ files }: BundleInspection, look: Look): string[] {
  if (files.length === 0) return [];
  const some = files.some(({ platform }) => platform !== undefined);
  return [
    look.paint.bold(plural(files.length, 'file')),
    ...table(
      [
        { title: 'PATH', folds: true },
        { title: 'MODE' },
        ...(some ? [{ title: 'PLATFORM' }] : []),
        { title: 'SIZE', align: 'right' },
      ],
      files.map(({ path, mode, size, platform }) => [
        path,
        mode,
        ...(some ? [platform ?? 'all'] : []),
        formatBytes(size),
      ]),
      look,
      INDENT,
    ),
  ];
}

export function writtenView({ path, size }: { path: string; size: number }, look: Look): string[] {
  return [
    `${look.paint.green(look.glyphs.tick)} ${look.paint.bold(clean(path))} is written, ${formatBytes(size)}`,
  ];
}
