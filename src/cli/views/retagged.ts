/** `image retag` and `image import`: what images are called now. */
import type { ImageImported } from '../../actions/image-import.ts';
import type { ImagesRetagged, RetaggedImage } from '../../actions/image-retag.ts';
import { shortDigest } from '../../content/digest.ts';
import { formatBytes, plural } from '../../support/format.ts';
import { type Cell, table } from '../table.ts';
import type { Look } from '../terminal.ts';
import { clean } from '../text.ts';

export function retaggedView({ images, source, dryRun }: ImagesRetagged, look: Look): string[] {
  const changed = images.filter(({ outcome }) => outcome !== 'unchanged');
  if (changed.length === 0) return [`no name in ${clean(source)} changes`];
  const rows = (look.verbose ? images : changed)
    .toSorted((a, b) => (a.from ?? '').localeCompare(b.from ?? '', 'en'))
    .map(image => [
      image.from ?? shortDigest(image.digest),
      image.to.join(', ') || '<none>',
      outcome(image, look),
    ]);
  const columns = [{ title: 'IMAGE', folds: true }, { title: 'TO', folds: true }, { title: 'OUTCOME' }];
  const count = plural(changed.length, 'name');
  const end = dryRun ? `${count} would change; nothing was written` : `${count} changed in ${clean(source)}`;
  return [...table(columns, rows, look), '', end];
}

export function importedView(result: ImageImported): string[] {
  const { name, target, id, platform, bytes, dryRun } = result;
  const what = `${clean(name)} for ${platform}, image ID ${shortDigest(id)}`;
  if (dryRun) return [`${what}, would be imported; nothing was written`];
  return [`${what}: ${formatBytes(bytes)} to ${clean(target)}`];
}

function outcome({ outcome }: RetaggedImage, { paint }: Look): Cell {
  return outcome === 'retagged' ? { text: outcome, paint: paint.green } : { text: outcome, paint: paint.dim };
}
