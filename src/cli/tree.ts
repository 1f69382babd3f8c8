/** Trees on a terminal. */
import type { Look } from './terminal.ts';
import { clean } from './text.ts';

export interface Branch {
  /** One line. */
  text: string;
  /** Behind it, dimmed: sizes, digests. */
  more?: string;
  branches?: readonly Branch[];
}

/** The lines of a tree: its root, and below it the branches with lines that lead to them. */
export function tree(root: Branch, look: Look): string[] {
  const { bold } = look.paint;
  return [line(root, bold, look), ...below(root, '', look)];
}

function below({ branches = [] }: Branch, indent: string, look: Look): string[] {
  const { paint, glyphs } = look;
  return branches.flatMap((branch, i) => {
    const last = i === branches.length - 1;
    const inner = indent + (last ? ' '.repeat(glyphs.trunk.length) : glyphs.trunk);
    const lead = paint.dim(indent + (last ? glyphs.lastBranch : glyphs.branch));
    return [lead + line(branch, text => text, look), ...below(branch, inner, look)];
  });
}

function line({ text, more }: Branch, paint: (text: string) => string, look: Look): string {
  return `${paint(clean(text))}${more ? `  ${look.paint.dim(clean(more))}` : ''}`;
}
