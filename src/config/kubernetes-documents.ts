/** The documents of a manifest file, told apart before they are parsed: most of them name no image. */

export interface DocumentText {
  text: string;
  /** The number of its first line in the file. */
  firstLine: number;
  /** Whether it is worth parsing. */
  mayNameImages: boolean;
}

/** What ends a document in YAML, wherever it stands: a line that begins with `---` or `...`, even inside block text. */
const MARKER = /^(?:---|\.\.\.)(?=\s|$)/;
/** Definitions of custom resources are long, and describe images without naming any. */
const DEFINITION = /^kind:[ \t]*["']?CustomResourceDefinition\b/m;

/** The documents of a text that are not blank. */
export function documentTexts(text: string): DocumentText[] {
  const documents: DocumentText[] = [];
  let lines: string[] = [];
  let firstLine = 1;
  const end = (): void => {
    const content = lines.join('\n');
    const mayNameImages = /image/i.test(content) && !DEFINITION.test(content);
    if (/\S/.test(content)) documents.push({ text: content, firstLine, mayNameImages });
  };
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (!MARKER.test(line)) {
      lines.push(line);
      continue;
    }
    end();
    // What follows a marker on its line belongs to the next document, and stays in its column.
    lines = [`   ${line.slice(3)}`];
    firstLine = index + 1;
  }
  end();
  return documents;
}
