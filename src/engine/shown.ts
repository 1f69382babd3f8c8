/** Names and values that came from a file, made fit for a message on a terminal. */

const MAX_CHARACTERS = 80;

/**
 * A text in double quotes, without control characters or marks that change the direction of writing, cut off at 80
 * characters.
 */
export function shown(text: string): string {
  const cut = text.length > MAX_CHARACTERS ? `${text.slice(0, MAX_CHARACTERS)}…` : text;
  return JSON.stringify(cut).replace(
    /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    c => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
