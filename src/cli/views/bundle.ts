/** `bundle create` and `bundle verify`: what was made, what was checked. */
import type { BundleCreated } from '../../actions/bundle-create.ts';
import type { BundleVerified } from '../../actions/bundle-verify.ts';
import { formatBytes, plural } from '../../support/format.ts';
import { pairs } from '../table.ts';
import { type Look, proseColumns } from '../terminal.ts';
import { clean, wrap } from '../text.ts';
import { partRows } from './parts.ts';
import { signatureLines } from './signatures.ts';

const INDENT = '  ';

export function createdView(bundle: BundleCreated, look: Look): string[] {
  const { paint, glyphs } = look;
  const content = [plural(bundle.images.length, 'image'), plural(bundle.blobs, 'blob')].join(', ');
  return [
    `${paint.green(glyphs.tick)} ${paint.bold(clean(bundle.path))} holds ${clean(`${bundle.name} ${bundle.version}`)}`,
    ...pairs(
      [
        ['size', `${formatBytes(bundle.size)}, out of ${formatBytes(bundle.inputBytes)} of inputs`],
        ['content', content],
        ...(bundle.leftOut ? [['left out', leftOutWords(bundle.leftOut)] as const] : []),
        ...(bundle.pinned.length > 0
          ? [['locked', `${plural(bundle.pinned.length, 'entry', 'entries')} new in the lock`] as const]
          : []),
        ...(bundle.signed ? [['signed', `by key ${bundle.signed.keyId}`] as const] : []),
      ],
      look,
      INDENT,
    ),
    ...partRows(bundle.parts ?? [], look),
    `${INDENT}${bundle.digest}`,
  ];
}

/** `12 blobs, 1.9 GB, which plant-7 2026.10 (sha256:9f86d081884c) has` */
function leftOutWords({ blobs, bytes, bases }: { blobs: number; bytes: number; bases: string[] }): string {
  if (blobs === 0) return `nothing: ${bases.join(', ')} has none of it`;
  return `${plural(blobs, 'blob')}, ${formatBytes(bytes)}; the far side has them: ${bases.join(', ')}`;
}

function checkedElsewhere({ blobs, bytes, checked, bases }: NonNullable<BundleVerified['leftOut']>): string {
  const where =
    checked > 0
      ? `${checked} of them checked in the bases`
      : 'not checked here: give their bases with --base';
  return `${plural(blobs, 'blob')}, ${formatBytes(bytes)}, ${where}; had by ${bases.join(', ')}`;
}

export function verifiedView(report: BundleVerified, look: Look): string[] {
  const { paint, glyphs } = look;
  const sound = report.problems.length === 0;
  const mark = sound ? paint.green(glyphs.tick) : paint.red(glyphs.cross);
  const verdict = sound ? 'is sound' : `has ${plural(report.problems.length, 'problem')}`;
  const { blobs, hashedBytes, references } = report;
  return [
    `${mark} ${paint.bold(clean(report.path))} ${verdict}`,
    ...pairs(
      [
        ['bundle', `${report.name} ${report.version}, ${formatBytes(report.size)}`],
        [
          'checked',
          `${formatBytes(hashedBytes)} in ${plural(blobs, 'blob')} hashed, ${plural(references, 'reference')} followed`,
        ],
        ...(report.leftOut ? [['left out', checkedElsewhere(report.leftOut)] as [string, string]] : []),
        ...signatureLines(report.signature).map((line): [string, string] => ['signed', line]),
      ],
      look,
      INDENT,
    ),
    `${INDENT}${report.digest}`,
    ...report.problems.flatMap(({ message, offset, usedBy }) => {
      const details = [
        ...(offset === undefined ? [] : [`at byte ${offset} of the file`]),
        ...(usedBy.length > 0 ? [`used by ${usedBy.join(', ')}`] : []),
      ];
      const lines = [clean(message), ...details.map(detail => `  ${clean(detail)}`)];
      const [first = '', ...rest] = lines.flatMap(line => wrap(line, proseColumns(look) - 4));
      return [
        `${INDENT}${paint.red(glyphs.cross)} ${first}`,
        ...rest.map(line => `${INDENT}${INDENT}${line}`),
      ];
    }),
  ];
}
