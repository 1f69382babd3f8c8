/** Sizes as a picture: a treemap of groups and what is in them, and bars. Inline SVG without a script. */
import { formatBytes } from '../../support/format.ts';
import { html, type Markup } from './html.ts';
import { type Area, squarify } from './treemap.ts';

export interface Group {
  title: string;
  /** A class of the style: `k0` … `k9`, `shared`. */
  colour: string;
  /** Bytes, with what it is called. */
  parts: readonly { title: string; size: number }[];
}

const WIDTH = 1100;
const HEIGHT = 400;
/** Areas below this are seen by nobody; they are drawn as one. Of the whole. */
const LEAST = 0.0004;
/** Groups that are drawn on their own. */
const MOST_GROUPS = 60;
/** Columns that a letter takes, and lines that a text needs. */
const LETTER = 6.9;
const LINE = 16;

/** A picture of groups by size, the largest first. */
export function treemap(groups: readonly Group[], label: string): Markup {
  const sized = groups
    .map(group => ({ ...group, size: total(group.parts) }))
    .filter(({ size }) => size > 0)
    .toSorted((a, b) => b.size - a.size);
  const shown = sized.slice(0, MOST_GROUPS);
  const rest = sized.slice(MOST_GROUPS);
  if (rest.length > 0) {
    const parts = rest.map(({ title, size }) => ({ title, size }));
    shown.push({ title: `${rest.length} more`, colour: 'k2', parts, size: total(parts) });
  }
  const least = total(shown) * LEAST;
  const areas = squarify(
    shown.map(({ size }) => size),
    { x: 0, y: 0, width: WIDTH, height: HEIGHT },
  );
  const drawn = shown.map((group, i) => groupOf(group, areas[i] as Area, least));
  return html`<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${label}">${drawn}</svg>`;
}

function groupOf(group: Group & { size: number }, area: Area, least: number): Markup {
  const inner = inset(area, 1.5);
  const parts = group.parts.toSorted((a, b) => b.size - a.size);
  const small = parts.filter(({ size }) => size < least);
  const large = parts.filter(({ size }) => size >= least);
  if (small.length > 0) large.push({ title: `${small.length} smaller`, size: total(small) });
  const cells = squarify(
    large.map(({ size }) => size),
    inner,
  ).map((cell, i) => {
    const part = large[i];
    const words = `${group.title}: ${part?.title}, ${formatBytes(part?.size ?? 0)}`;
    return html`<rect class="cell ${group.colour}" ${box(cell)}><title>${words}</title></rect>`;
  });
  return html`<g class="item">${cells}${labels(group, inner)}</g>`;
}

function labels({ title, size }: { title: string; size: number }, { x, y, width, height }: Area): Markup[] {
  const room = Math.floor((width - 14) / LETTER);
  if (room < 8 || height < LINE + 8) return [];
  const lines = [html`<text x="${round(x + 8)}" y="${round(y + 18)}">${clip(title, room)}</text>`];
  if (height > 2 * LINE + 8)
    lines.push(
      html`<text class="sub" x="${round(x + 8)}" y="${round(y + 18 + LINE)}">${formatBytes(size)}</text>`,
    );
  return lines;
}

/** A bar of stretches beside each other, out of a whole. */
export function bar(
  stretches: readonly { size: number; colour: string; title: string }[],
  whole: number,
  label: string,
): Markup {
  let at = 0;
  const drawn = stretches.map(({ size, colour, title }) => {
    const width = whole > 0 ? (size / whole) * WIDTH : 0;
    const cell = html`<rect class="${colour}" x="${round(at)}" y="0" width="${round(width)}" height="10"><title>${title}</title></rect>`;
    at += width;
    return cell;
  });
  return html`<svg class="bar" viewBox="0 0 ${WIDTH} 10" preserveAspectRatio="none" role="img" aria-label="${label}"><rect class="track" width="${WIDTH}" height="10"/>${drawn}</svg>`;
}

/** A colour with what it stands for. */
export function legend(entries: readonly (readonly [colour: string, words: string])[]): Markup {
  return html`<ul class="legend">${entries.map(
    ([colour, words]) =>
      html`<li><svg viewBox="0 0 1 1" aria-hidden="true"><rect class="${colour}" width="1" height="1"/></svg>${words}</li>`,
  )}</ul>`;
}

function box({ x, y, width, height }: Area): Markup {
  return html`x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}"`;
}

function inset({ x, y, width, height }: Area, by: number): Area {
  return {
    x: x + by,
    y: y + by,
    width: Math.max(0, width - 2 * by),
    height: Math.max(0, height - 2 * by),
  };
}

function total(parts: readonly { size: number }[]): number {
  return parts.reduce((sum, { size }) => sum + size, 0);
}

function round(value: number): string {
  return value.toFixed(1).replace(/\.0$/, '');
}

/** The end of a name tells more than its start. */
function clip(text: string, room: number): string {
  const letters = [...text];
  return letters.length <= room ? text : `…${letters.slice(letters.length - room + 1).join('')}`;
}
