/** `image list`: the images of a source. */
import type { ImageList } from '../../actions/image-list.ts';
import { formatBytes } from '../../support/format.ts';
import { byName, table } from '../table.ts';
import type { Look } from '../terminal.ts';

export function imageListView({ images }: ImageList, look: Look): string[] {
  if (images.length === 0) return ['no images'];
  const rows = byName(images).flatMap(image => {
    const { id, platform, layers, size } = image;
    return namesOf(image).map(name => [
      name,
      id.replace(/^sha256:/, '').slice(0, 12),
      platform,
      String(layers),
      formatBytes(size),
    ]);
  });
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

/** What is about an image is known by that, whatever tag it is found by. */
function namesOf({ names, title, about }: ImageList['images'][number]): string[] {
  if (title !== undefined && about !== undefined) return [`${title} of ${about}`];
  return names.length > 0 ? names : [title ?? '<none>'];
}
