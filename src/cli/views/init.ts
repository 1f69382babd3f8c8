/** `init`: what was written, and what to do next. */
import type { Initialised } from '../../actions/init.ts';
import { plural } from '../../support/format.ts';
import type { Look } from '../terminal.ts';
import { clean } from '../text.ts';

export function initView({ files, images, dryRun }: Initialised, { paint, glyphs }: Look): string[] {
  if (dryRun)
    return files.flatMap(({ path, text }) => [`# ${clean(path)}`, ...text.trimEnd().split('\n'), '']);
  return [
    ...files.map(({ path }) => `${paint.green(glyphs.tick)} ${paint.bold(clean(path))} is written`),
    ...(images.length > 0 ? [`  ${plural(images.length, 'image')} found: ${clean(images.join(', '))}`] : []),
    '',
    'Next: airferry bundle create -o site.tar',
  ];
}
