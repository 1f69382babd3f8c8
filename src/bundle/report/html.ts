/**
 * Markup in which text cannot become markup: what is put into a template is escaped unless it is markup itself. Names in
 * bundles are not to be trusted, so characters that hide or turn text around are shown by their number.
 */

/** A piece of markup that is safe as it is. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type Piece = Markup | string | number | false | undefined | readonly Piece[];

/** A template of HTML or SVG: `` html`<b>${name}</b>` ``. Lists are joined; `undefined` and `false` leave nothing. */
export function html(strings: TemplateStringsArray, ...values: readonly Piece[]): Markup {
  return new Markup(strings.reduce((all, part, i) => all + render(values[i - 1]) + part));
}

/** Text as HTML shows it, in elements and in quoted attributes. */
export function escapeHtml(text: string): string {
  return visible(text).replace(/[&<>"']/g, char => `&#${char.charCodeAt(0)};`);
}

/** Text without characters that a reader could not see: `\u{202e}` in their place. */
export function visible(text: string): string {
  return text
    .toWellFormed()
    .replace(
      /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}]/gu,
      char => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`,
    );
}

function render(value: Piece): string {
  if (value === undefined || value === false) return '';
  if (value instanceof Markup) return value.text;
  if (typeof value === 'object') return value.map(render).join('');
  return escapeHtml(String(value));
}
