/** `image list` and `image push`: images and their names on the way. */
import type { ImageList } from '../../actions/image-list.ts';
import type { ImagePushed, PushedImage } from '../../actions/image-push.ts';
import { formatBytes, plural } from '../../support/format.ts';
import { byName, type Cell, table } from '../table.ts';
import type { Look } from '../terminal.ts';
import { clean } from '../text.ts';

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

export function pushedView(result: ImagePushed, look: Look): string[] {
  const { images, moved, present, mounted, dryRun, registry } = result;
  if (images.length === 0) return [`${clean(result.source)} has no image with a name; nothing to push`];
  const rules = look.verbose && images.some(({ rule }) => rule !== undefined);
  const rows = images
    .toSorted((a, b) => a.from.localeCompare(b.from, 'en'))
    .map(image => [image.from, image.to, outcome(image, look), ...(rules ? [image.rule ?? ''] : [])]);
  const mapping = table(
    [
      { title: 'IMAGE', folds: true },
      { title: 'TO', folds: true },
      { title: 'OUTCOME' },
      ...(rules ? [{ title: 'RULE', folds: true }] : []),
    ],
    rows,
    look,
  );
  const count = plural(images.length, 'image');
  if (dryRun) return [...mapping, '', `${count} would be pushed to ${clean(registry)}; nothing was sent`];
  const spared = [
    ...(present.blobs > 0 ? [`${formatBytes(present.bytes)} there already`] : []),
    ...(mounted.blobs > 0 ? [`${formatBytes(mounted.bytes)} taken over within the registry`] : []),
  ];
  const sent =
    moved.blobs > 0
      ? `${formatBytes(moved.bytes)} sent in ${plural(moved.blobs, 'blob')}`
      : 'nothing had to be sent';
  return [...mapping, '', `${count} in ${clean(registry)}: ${[sent, ...spared].join(', ')}`];
}

/** A warning for images that no name leads to. */
export function unnamedWarning({ unnamed, source }: ImagePushed): string | undefined {
  if (unnamed.length === 0) return undefined;
  const ids = unnamed.map(id => id.replace(/^sha256:/, '').slice(0, 12)).join(', ');
  return `${plural(unnamed.length, 'image')} of ${source} without a name ${unnamed.length > 1 ? 'were' : 'was'} left out: ${ids}`;
}

function outcome({ outcome }: PushedImage, { paint }: Look): Cell {
  return { text: outcome, paint: outcome === 'pushed' ? paint.green : paint.dim };
}
