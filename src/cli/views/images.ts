/** `image list`: the images of a source. */
import type { ImageList } from '../../actions/image-list.ts';
import { formatBytes } from '../../support/format.ts';
import { byName, table } from '../table.ts';
import type { Look } from '../terminal.ts';

export function imageListView({ images }: ImageList, look: Look): string[] {
  if (images.length === 0) return ['no images'];
  const rows = byName(images).flatMap(({ names, id, platform, layers, size }) =>
    (names.length > 0 ? names : ['<none>']).map(name => [
      name,
      id.replace(/^sha256:/, '').slice(0, 12),
      platform,
      String(layers),
      formatBytes(size),
    ]),
  );
  return table(
    [
      { title: 'NAME', folds: true },
      { title: 'IMAGE ID' },
      { title: 'PLATFORM' },
      { title: 'LAYERS', align: 'right' },
      { title: 'SIZE', align: 'right' },
    ],
    rows,
    look,
  );
}
