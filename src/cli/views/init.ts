/** `init`: what was written, and what to do next. */
import { relative } from 'node:path';
import type { Initialised } from '../../actions/init.ts';
import { command } from '../../host/quote.ts';
import { plural } from '../../support/format.ts';
import type { Look } from '../terminal.ts';
import { clean } from '../text.ts';

/** What `bundle create` reads where no recipe is named. */
const DEFAULT_RECIPE = 'bundle.yaml';

export function initView({ files, images, dryRun }: Initialised, { paint, glyphs }: Look): string[] {
  if (dryRun)
    return files.flatMap(({ path, text }) => [`# ${clean(path)}`, ...text.trimEnd().split('\n'), '']);
  const recipe = relative('', files[0]?.path ?? DEFAULT_RECIPE);
  const named = recipe === DEFAULT_RECIPE ? [] : ['-f', recipe];
  return [
    ...files.map(({ path }) => `${paint.green(glyphs.tick)} ${paint.bold(clean(path))} is written`),
    ...(images.length > 0 ? [`  ${plural(images.length, 'image')} found: ${clean(images.join(', '))}`] : []),
    '',
    `Next: ${command(['airferry', 'bundle', 'create', ...named, '-o', 'site.tar'])}`,
  ];
}
