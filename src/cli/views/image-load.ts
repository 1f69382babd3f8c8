/** The end of `image load`: the hosts, and for those that got something what travelled for each image. */
import type { ImageLoadHost, ImageLoadResult } from '../../actions/host-results.ts';
import { formatBytes } from '../../support/format.ts';
import { table } from '../table.ts';
import type { Look } from '../terminal.ts';
import { clean } from '../text.ts';
import { hostsView, namesOf } from './hosts.ts';

const SHORT_ID = 12;

/** As `hostsView`, with a table of images for each group of hosts to which the same was done. */
export function imageLoadView(result: ImageLoadResult, look: Look): string[] {
  const loaded = result.hosts.filter(({ images }) => images.length > 0);
  const groups = Map.groupBy(loaded, ({ runtime, images }) => JSON.stringify([runtime, images]));
  const tables = [...groups.values()].flatMap(group => imagesOf(group, result.dryRun, look));
  return [...hostsView(result, look), ...tables];
}

function imagesOf(group: readonly ImageLoadHost[], dryRun: boolean, look: Look): string[] {
  const [first] = group;
  if (!first) return [];
  const rows = first.images.map(({ names, id, via, bytes, spared }) => [
    names.map(name => clean(name)).join(', '),
    id?.replace(/^sha256:/, '').slice(0, SHORT_ID) ?? '',
    via,
    bytes === undefined ? '' : formatBytes(bytes),
    spared === undefined ? '' : formatBytes(spared),
  ]);
  return [
    '',
    look.paint.bold(`${namesOf(group)}: ${first.runtime ?? ''}`),
    ...table(
      [
        { title: 'IMAGE', folds: true },
        { title: 'ID' },
        { title: 'VIA' },
        { title: dryRun ? 'WOULD SEND' : 'SENT', align: 'right' },
        { title: 'SPARED', align: 'right' },
      ],
      rows,
      look,
    ),
  ];
}
