/**
 * A page that is whole in itself: no script, no request, and a policy that allows neither, so that it can be opened from a
 * USB disk by whoever audits the site. It follows the reader's light or dark mode, and prints.
 */
import { createHash } from 'node:crypto';
import { html, Markup, type Piece } from './html.ts';
import { STYLE } from './style.ts';

export interface Page {
  /** Of the browser's window. */
  title: string;
  /** `verification report` */
  kind: string;
  heading: Piece;
  /** Below the heading. */
  lead: Piece;
  sections: readonly Section[];
  foot: Piece;
}

export interface Section {
  id: string;
  title: string;
  body: Piece;
}

/** The bytes of a page; the same content gives the same bytes. */
export function formatPage({ title, kind, heading, lead, sections, foot }: Page): string {
  const policy = [
    "default-src 'none'",
    `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  const links = sections.map(section => html`<a href="#${section.id}">${section.title}</a>`);
  const parts = sections.map(
    section => html`
<section id="${section.id}" aria-labelledby="${section.id}-title">
<h2 id="${section.id}-title">${section.title}</h2>
${section.body}
</section>`,
  );
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="airferry">
<title>${title}</title>
<style>${new Markup(STYLE)}</style>
</head>
<body>
<a class="skip" href="#content">Skip to the content</a>
<header>
<p class="kind">airferry <span>${kind}</span></p>
<h1>${heading}</h1>
${lead}
<nav aria-label="Sections">${links}</nav>
</header>
<main id="content">${parts}
</main>
<footer>${foot}</footer>
</body>
</html>
`.text;
}

/** Facts in large type: `430 MB` over `size`. */
export function tiles(facts: readonly (readonly [value: Piece, label: string])[]): Markup {
  return html`<dl class="tiles">${facts.map(([value, label]) => html`<div><dt>${label}</dt><dd>${value}</dd></div>`)}</dl>`;
}

export interface Column {
  title: string;
  /** Numbers stand to the right. */
  right?: boolean;
}

/** A table; its caption is for those who hear the page. */
export function table(
  caption: string,
  columns: readonly Column[],
  rows: readonly (readonly Piece[])[],
): Markup {
  const cls = (i: number): Markup | undefined => (columns[i]?.right ? html` class="right"` : undefined);
  const head = columns.map(({ title }, i) => html`<th scope="col"${cls(i)}>${title}</th>`);
  const body = rows.map(cells => html`<tr>${cells.map((cell, i) => html`<td${cls(i)}>${cell}</td>`)}</tr>\n`);
  return html`<div class="scroll"><table><caption>${caption}</caption><thead><tr>${head}</tr></thead><tbody>
${body}</tbody></table></div>`;
}

/** Names and values below each other. */
export function facts(entries: readonly (readonly [name: string, value: Piece])[]): Markup {
  return html`<dl class="facts">${entries.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>\n`)}</dl>`;
}

/** A digest that breaks anywhere, and is whole when copied. */
export function digestMark(digest: string): Markup {
  return html`<code class="digest">${digest}</code>`;
}

/** The start of a digest, with the whole one where the pointer rests. */
export function shortMark(digest: string): Markup {
  return html`<code title="${digest}">${digest.replace(/^sha\d+:/, '').slice(0, 12)}</code>`;
}

/** A word in a coloured pill. */
export function badge(kind: string, text: string): Markup {
  return html`<span class="badge ${kind}">${text}</span>`;
}
