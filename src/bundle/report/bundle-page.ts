/** A bundle as a page that one can browse offline: what is in it, how large it is, what is shared, who signed it. */
import { formatBytes, plural } from '../../support/format.ts';
import type { BundleInspection } from '../inspect.ts';
import { html, Markup, type Piece } from './html.ts';
import { artifactList, imageCards } from './image-cards.ts';
import { digestMark, facts, formatPage, type Section, shortMark, table, tiles } from './page.ts';
import { type Group, legend, treemap } from './picture.ts';

/** Colours of images, in turn; the others have a meaning of their own. */
const IMAGE_COLOURS = ['k3', 'k4', 'k5', 'k6', 'k7', 'k8', 'k9'] as const;
/** Images with the same name in different platforms are one group; so many are in the legend by name. */
const MOST_LEGENDS = 12;

/** The page of a bundle, as UTF-8. The same bundle and path give the same bytes. */
export function bundlePage(bundle: BundleInspection, airferry: string): string {
  const { name, version, images, shared } = bundle;
  const stored = shared + images.reduce((sum, { unique }) => sum + unique, 0);
  const spared = images.reduce((sum, { size }) => sum + size, 0) - stored;
  const signed = bundle.signatures.length;
  return formatPage({
    title: `${name} ${version}: airferry bundle`,
    kind: 'bundle',
    heading: html`${name} <small>${version}</small>`,
    lead: html`
<p>${digestMark(bundle.digest)}</p>
${
  bundle.leftOut &&
  html`<p class="soft">Cut against ${bundle.leftOut.bases.join(' and ')}: ${plural(bundle.leftOut.blobs, 'blob')} of ${formatBytes(bundle.leftOut.bytes)} stayed out.</p>`
}
${tiles([
  [formatBytes(bundle.size), `in ${plural(bundle.blobs, 'blob')}`],
  [String(images.length), images.length === 1 ? 'image' : 'images'],
  ...(spared > 0 ? ([[formatBytes(spared), 'spared by sharing layers']] as const) : []),
  ...(bundle.engine ? ([[bundle.engine.version, 'Docker engine']] as const) : []),
  platforms(bundle.platforms),
  [signed > 0 ? String(signed) : 'none', signed === 1 ? 'signature' : 'signatures'],
])}`,
    sections: sections(bundle),
    foot: html`Made by airferry ${airferry} from ${bundle.path}, format ${bundle.schemaVersion}. Layers were not hashed for this page:
<code>airferry bundle verify</code> checks every byte and every signature.`,
  });
}

function platforms(all: readonly string[]): [string, string] {
  const [first = '', ...others] = all;
  return others.length === 0 ? [first, 'platform'] : [String(all.length), `platforms: ${all.join(', ')}`];
}

function sections(bundle: BundleInspection): Section[] {
  const { images, artifacts, files, daemon } = bundle;
  const all: (Section | false)[] = [
    { id: 'size', title: 'Where the bytes are', body: picture(bundle) },
    images.length > 0 && { id: 'images', title: plural(images.length, 'image'), body: imageCards(bundle) },
    artifacts.length > 0 && { id: 'artifacts', title: 'Other artifacts', body: artifactList(artifacts) },
    (bundle.engine !== undefined || bundle.compose !== undefined) && {
      id: 'engine',
      title: 'Engine',
      body: engine(bundle),
    },
    Object.keys(daemon).length > 0 && {
      id: 'daemon',
      title: 'daemon.json',
      body: html`<pre>${lines(JSON.stringify(daemon, undefined, 2))}</pre>`,
    },
    files.length > 0 && { id: 'files', title: plural(files.length, 'file'), body: fileTable(bundle) },
    { id: 'signatures', title: 'Signatures', body: signatures(bundle) },
  ];
  return all.filter(section => section !== false);
}

function picture(bundle: BundleInspection): Markup {
  const groups = groupsOf(bundle);
  const images = groups.filter(({ colour }) => colour !== 'shared' && !/^k[012]$/.test(colour));
  const others = groups.filter(group => !images.includes(group));
  const named = images.length <= MOST_LEGENDS ? images : [];
  const size = ({ parts }: Group): number => parts.reduce((sum, part) => sum + part.size, 0);
  const words = (group: Group): string => `${group.title}, ${formatBytes(size(group))}`;
  return html`${treemap(groups, `Treemap: ${groups.map(words).join('; ')}`.slice(0, 2000))}
${legend([...others, ...named].map(group => [group.colour, words(group)] as const))}`;
}

/** What takes room, by what it is for. An image's group has what only it has. */
function groupsOf({ engine, compose, units, files, images }: BundleInspection): Group[] {
  const named = (title: string, colour: string, parts: Group['parts']): Group => ({ title, colour, parts });
  const shared = new Map<string, number>();
  const own = new Map<string, { title: string; size: number }[]>();
  for (const image of images) {
    const name = image.names[0] ?? image.id.replace(/^sha\d+:/, '').slice(0, 12);
    const parts = own.get(name) ?? [];
    own.set(name, parts);
    const seen = new Set<string>();
    image.layers.forEach((layer, i) => {
      if (layer.absent || seen.has(layer.digest)) return;
      seen.add(layer.digest);
      if (layer.images > 1) shared.set(layer.digest, layer.size);
      else parts.push({ title: `layer ${i + 1} for ${image.platform}`, size: layer.size });
    });
  }
  const engines = [
    ...(engine?.archives ?? []).map(({ platform, size }) => ({
      title: `docker ${engine?.version} for ${platform}`,
      size,
    })),
    ...(compose?.binaries ?? []).map(({ platform, size }) => ({
      title: `compose ${compose?.version} for ${platform}`,
      size,
    })),
  ];
  const loose = [
    ...files.map(({ path, size }) => ({ title: path, size })),
    ...units.map(({ name, size }) => ({ title: name, size })),
  ];
  const layers = [...shared].map(([digest, size]) => ({ title: digest.slice(0, 19), size }));
  return [
    named('Engine', 'k0', engines),
    named('Files and units', 'k1', loose),
    named('Shared layers', 'shared', layers),
    ...[...own].map(([name, parts], i) =>
      named(name, IMAGE_COLOURS[i % IMAGE_COLOURS.length] ?? 'k2', parts),
    ),
  ].filter(({ parts }) => parts.length > 0);
}

function engine({ engine, compose, units }: BundleInspection): Markup {
  const rows = [
    ...(engine?.archives ?? []).map(({ platform, size, digest, components }) => [
      `docker ${engine?.version}`,
      platform,
      components.join(', '),
      shortMark(digest),
      formatBytes(size),
    ]),
    ...(compose?.binaries ?? []).map(({ platform, size, digest }) => [
      `compose ${compose?.version}`,
      platform,
      'docker-compose',
      shortMark(digest),
      formatBytes(size),
    ]),
  ];
  const columns = ['Release', 'Platform', 'Binaries', 'Digest'].map(title => ({ title }));
  const list = units.map(({ name, digest, size }) => [
    html`<code>${name}</code>`,
    shortMark(digest),
    formatBytes(size),
  ]);
  return html`${table('Engine and compose', [...columns, { title: 'Size', right: true }], rows)}
${
  units.length > 0 &&
  html`<details><summary>${plural(units.length, 'systemd unit')} and drop-ins; a host gets those that its systemd knows</summary>
${table('Units', [{ title: 'Unit' }, { title: 'Digest' }, { title: 'Size', right: true }], list)}</details>`
}`;
}

function fileTable({ files }: BundleInspection): Markup {
  return table(
    'Files that are put on hosts',
    [
      { title: 'Path' },
      { title: 'Mode' },
      { title: 'Platform' },
      { title: 'Digest' },
      { title: 'Size', right: true },
    ],
    files.map(({ path, mode, digest, size, platform }) => [
      html`<code>${path}</code>`,
      html`<code>${mode}</code>`,
      platform ?? 'all',
      shortMark(digest),
      formatBytes(size),
    ]),
  );
}

function signatures({ signatures, digest }: BundleInspection): Piece {
  if (signatures.length === 0)
    return html`<p>None: nothing tells who made it, or that nobody changed it since.</p>`;
  return html`${facts(signatures.map(keyId => ['by key', html`<code>${keyId}</code>`] as const))}
<p class="soft">Over the manifest ${shortMark(digest)}, which names every blob. What a signature is worth depends on the keys that a site trusts.</p>`;
}

/** Text that may have line breaks, for `pre`. */
function lines(text: string): Piece {
  const [first = '', ...rest] = text.split('\n');
  return [first, ...rest.map(line => html`${new Markup('\n')}${line}`)];
}
