/** The images of a bundle as cards: names, platforms, layers with who shares them, and what is about them. */
import { formatBytes, plural } from '../../support/format.ts';
import { type ImageFamily, imageFamilies } from '../image-families.ts';
import type { BundleInspection, InspectedArtifact, InspectedImage, InspectedReferrer } from '../inspect.ts';
import { html, type Markup, type Piece } from './html.ts';
import { badge, digestMark, shortMark, table } from './page.ts';
import { bar, legend } from './picture.ts';

export function imageCards(bundle: BundleInspection): Markup {
  const most = Math.max(1, ...bundle.images.map(({ size }) => size));
  return html`${legend([
    ['k0', 'layers that only this image has'],
    ['shared', 'layers that other images have, too'],
  ])}
<p class="soft">Bars are on one scale; the longest is ${formatBytes(most)}.</p>
${imageFamilies(bundle).map(family => card(family, most))}`;
}

function card({ names, index, images }: ImageFamily, most: number): Markup {
  const [name, ...others] = names;
  return html`
<article class="card">
<div class="row"><h3>${name ?? 'without a name'}</h3>${images.length > 1 && html`<span class="end soft">${plural(images.length, 'platform')}</span>`}</div>
${others.length > 0 && html`<p class="soft">also ${others.join(', ')}</p>`}
${index && html`<p class="soft">index ${digestMark(index.digest)}</p>${referrerList(index.referrers)}`}
${images.map(image => variant(image, most))}
</article>`;
}

function variant(image: InspectedImage, most: number): Markup {
  const { platform, digest, id, size, unique, layers, created, referrers } = image;
  const common = size - unique;
  const words = `${formatBytes(unique)} of its own, ${formatBytes(common)} shared`;
  return html`
<div class="variant">
<div class="row"><b>${platform}</b><span class="soft">image ID ${shortMark(id)}</span>${
    created !== undefined && html`<span class="soft">built ${created.slice(0, 10)}</span>`
  }<span class="end">${formatBytes(size)} <span class="soft">(${words})</span></span></div>
${bar(
  [
    { size: unique, colour: 'k0', title: `${formatBytes(unique)} of its own` },
    { size: common, colour: 'shared', title: `${formatBytes(common)} shared` },
  ],
  most,
  `${platform}: ${formatBytes(size)}, ${words}`,
)}
<p>${digestMark(digest)}</p>
${referrerList(referrers)}
${layers.length > 0 && html`<details><summary>${plural(layers.length, 'layer')}</summary>${layerTable(image)}</details>`}
</div>`;
}

function layerTable({ layers }: InspectedImage): Markup {
  return table(
    'Layers, from the lowest up',
    [
      { title: '#', right: true },
      { title: 'Digest' },
      { title: 'Kind' },
      { title: 'Shared' },
      { title: 'Size', right: true },
    ],
    layers.map(({ digest, mediaType, images, size, absent }, i) => [
      String(i + 1),
      digestMark(digest),
      html`<span class="nowrap">${mediaType.replace(/^.*\.(?=tar|rootfs)/, '')}</span>`,
      absent
        ? badge('warn', 'not in this bundle')
        : images > 1
          ? badge('shared-by', `by ${images} images`)
          : '',
      formatBytes(size),
    ]),
  );
}

export function artifactList(artifacts: readonly InspectedArtifact[]): Markup {
  return html`<div class="card"><ul class="plain">${artifacts.map(artifact => entry(artifact, artifact.names))}</ul></div>`;
}

/** Signatures, SBOMs and attestations, with what is about them below each. */
function referrerList(referrers: readonly InspectedReferrer[]): Piece {
  return (
    referrers.length > 0 && html`<ul class="plain">${referrers.map(referrer => entry(referrer, []))}</ul>`
  );
}

function entry(referrer: InspectedReferrer, names: readonly string[]): Markup {
  const { kind, title, digest, size } = referrer;
  return html`<li>${badge(kind, title)} ${names.join(', ')} <span class="soft">${shortMark(digest)}, ${formatBytes(size)}</span>${referrerList(referrer.referrers)}</li>`;
}
