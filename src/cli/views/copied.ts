/** `image copy` and its kin: what each image is called now, what travelled for it, and what did not have to. */
import type { CopiedName, ImagesCopied } from '../../actions/copied.ts';
import { familiarName, parseReference } from '../../content/reference.ts';
import { formatBytes, plural } from '../../support/format.ts';
import { digestNote } from '../../transports/copy.ts';
import { type Cell, table } from '../table.ts';
import type { Look } from '../terminal.ts';
import { clean } from '../text.ts';

/** A command's word for what it does: on the way, and afterwards. */
export interface Verb {
  title: string;
  done: string;
}

export function copiedView(result: ImagesCopied, verb: Verb, look: Look): string[] {
  const { images, dryRun, target, sources } = result;
  if (images.length === 0) return [`${clean(sources.join(', '))}: no image to copy`];
  const renamed = images.some(({ from, to }) => short(to) !== from);
  const rules = look.verbose && images.some(({ rule }) => rule !== undefined);
  const rows = images
    .toSorted((a, b) => (a.from ?? '').localeCompare(b.from ?? '', 'en'))
    .map(image => [
      image.from ?? short(image.to) ?? image.digest ?? '<none>',
      ...(renamed ? [short(image.to) ?? image.digest ?? ''] : []),
      ...(dryRun ? [] : [digits(image.digest)]),
      outcome(image, verb, look),
      ...(rules ? [image.rule ?? ''] : []),
    ]);
  const mapping = table(
    [
      { title: 'IMAGE', folds: true },
      ...(renamed ? [{ title: 'TO', folds: true }] : []),
      ...(dryRun ? [] : [{ title: 'DIGEST' }]),
      { title: 'OUTCOME' },
      ...(rules ? [{ title: 'RULE', folds: true }] : []),
    ],
    rows,
    look,
  );
  const count = plural(images.length, 'image');
  if (dryRun) return [...mapping, '', `${count} would be ${verb.done} to ${clean(target)}; nothing was sent`];
  return [...mapping, ...changedDigests(images), '', `${count} in ${clean(target)}: ${traffic(result)}`];
}

/** As many digits as `docker images` shows: a line holds two names beside them. All of them are in `--json`. */
function digits(digest = ''): string {
  return digest.slice(digest.indexOf(':') + 1).slice(0, 12);
}

/** As Docker's user writes it. */
function short(name: string | undefined): string | undefined {
  return name === undefined ? undefined : familiarName(parseReference(name));
}

/** `12.3 MB sent in 4 blobs, 80 MB there already` */
function traffic({ moved, present, mounted, spared, referrers }: ImagesCopied): string {
  // Images that stood at the target as a whole were not asked for blob by blob.
  const there = mounted.blobs > 0 ? present.bytes : Math.max(present.bytes, spared.bytes);
  return [
    ...(referrers.length > 0 ? [`${plural(referrers.length, 'referrer')} along`] : []),
    moved.blobs > 0
      ? `${formatBytes(moved.bytes)} sent in ${plural(moved.blobs, 'blob')}`
      : 'nothing had to be sent',
    ...(there > 0 ? [`${formatBytes(there)} there already`] : []),
    ...(mounted.blobs > 0 ? [`${formatBytes(mounted.bytes)} taken over within the registry`] : []),
  ].join(', ');
}

/** Where a digest could not survive, that is said: somebody may have pinned it. */
function changedDigests(images: readonly CopiedName[]): string[] {
  const lines = images
    .filter(({ changed }) => changed !== undefined)
    .map(image => `${image.to ?? image.from}: ${digestNote({ ...image, source: image.was })}`);
  return lines.length === 0 ? [] : ['', ...lines];
}

/** A warning for images that no name leads to. */
export function unnamedWarning({ unnamed, sources }: ImagesCopied): string | undefined {
  if (unnamed.length === 0) return undefined;
  const ids = unnamed.map(id => id.replace(/^sha256:/, '').slice(0, 12)).join(', ');
  return `${plural(unnamed.length, 'image')} of ${sources.join(', ')} without a name ${unnamed.length > 1 ? 'were' : 'was'} left out: ${ids}`;
}

/** A warning for images that were asked for and are for other platforms only. */
export function platformWarning({ otherPlatforms = [], sources }: ImagesCopied): string | undefined {
  if (otherPlatforms.length === 0) return undefined;
  const names = otherPlatforms.map(name => clean(name)).join(', ');
  return `left out, since ${clean(sources.join(', '))} has nothing of it for the platforms that are asked for: ${names}`;
}

/** A warning for signatures that were to come along to where there is no place for them. */
export function referrersWarning({ target }: ImagesCopied, asked: boolean): string | undefined {
  if (!asked || !target.startsWith('docker-daemon:')) return undefined;
  return 'engines hold images alone: signatures, SBOMs and attestations stay where they are';
}

function outcome({ outcome }: CopiedName, { done }: Verb, { paint }: Look): Cell {
  return outcome === 'copied' ? { text: done, paint: paint.green } : { text: outcome, paint: paint.dim };
}
