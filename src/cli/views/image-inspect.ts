/** `image inspect`: one image after the other, most useful first. */
import type { ImageInspected, InspectedImage, InspectedLayer } from '../../actions/image-inspect.ts';
import { formatBytes, plural } from '../../support/format.ts';
import { pairs, table } from '../table.ts';
import type { Look } from '../terminal.ts';
import { clean } from '../text.ts';

const INDENT = '  ';

export function imageReport({ images, source }: ImageInspected, look: Look): string[] {
  if (images.length === 0) return [`${clean(source)} has no image`];
  return images.flatMap((image, i) => (i === 0 ? report(image, look) : ['', ...report(image, look)]));
}

function report(image: InspectedImage, look: Look): string[] {
  const [name, ...others] = image.names;
  const sections = [
    [
      look.paint.bold(clean(name ?? image.digest ?? image.id)),
      ...pairs([...others.map(other => ['also', other] as const), ...identity(image)], look, INDENT),
    ],
    section('Runs', running(image), look),
    layers(image, look),
    section('Annotations', Object.entries(image.annotations ?? {}), look),
    section(
      'Referrers',
      image.referrers.map(({ title, digest }) => [title, digest ?? ''] as const),
      look,
    ),
  ];
  return sections.filter(lines => lines.length > 0).flatMap((lines, i) => (i === 0 ? lines : ['', ...lines]));
}

function identity(image: InspectedImage): [string, string][] {
  const { digest, id, mediaType, platform, created, author, size, artifactType, title, subject } = image;
  return [
    ...(digest ? ([['digest', digest]] as [string, string][]) : []),
    ['image ID', id],
    ...given('kind', title),
    ...given('type', title === artifactType ? undefined : artifactType),
    ...given('about', subject),
    ['platform', platform],
    ...given('created', created),
    ...given('author', author),
    ['size', `${formatBytes(size)} in ${plural(image.layers.length, 'layer')}`],
    ...given('manifest', mediaType),
  ];
}

function running({ run }: InspectedImage): [string, string][] {
  return [
    ...given('entrypoint', run.entrypoint && JSON.stringify(run.entrypoint)),
    ...given('command', run.cmd && JSON.stringify(run.cmd)),
    ...given('user', run.user),
    ...given('folder', run.workingDir),
    ...given('ports', run.exposedPorts?.join(', ')),
    ...given('volumes', run.volumes?.join(', ')),
    ...given('stop signal', run.stopSignal),
    ...(run.env ?? []).map((text, i): [string, string] => [i === 0 ? 'environment' : '', text]),
    ...Object.entries(run.labels ?? {}).map(([key, value], i): [string, string] => [
      i === 0 ? 'labels' : '',
      `${key}=${value}`,
    ]),
  ];
}

function layers({ layers, history }: InspectedImage, look: Look): string[] {
  if (layers.length === 0) return [];
  const steps = history.filter(({ empty }) => !empty);
  const told = look.verbose && steps.length === layers.length;
  const rows = layers.map((layer, i) => [
    layer.digest ?? layer.diffId ?? '',
    sizeOf(layer),
    ...(told ? [steps[i]?.createdBy ?? ''] : []),
  ]);
  const columns = [
    { title: 'LAYER' },
    { title: 'SIZE', align: 'right' as const },
    ...(told ? [{ title: 'MADE BY', folds: true }] : []),
  ];
  return [look.paint.bold(plural(layers.length, 'layer')), ...table(columns, rows, look, INDENT)];
}

function sizeOf({ size, compression }: InspectedLayer): string {
  if (size === undefined) return 'elsewhere';
  return `${formatBytes(size)}${compression === undefined || compression === 'none' ? '' : ` ${compression}`}`;
}

function section(title: string, entries: readonly (readonly [string, string])[], look: Look): string[] {
  return entries.length === 0 ? [] : [look.paint.bold(title), ...pairs(entries, look, INDENT)];
}

function given(key: string, value: string | undefined): [string, string][] {
  return value === undefined || value === '' ? [] : [[key, value]];
}
