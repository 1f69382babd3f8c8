/** `receipt create`: what was written down. */
import type { ReceiptCreated } from '../../actions/receipt-create.ts';
import { formatBytes, plural } from '../../support/format.ts';
import { pairs } from '../table.ts';
import type { Look } from '../terminal.ts';
import { clean } from '../text.ts';

const INDENT = '  ';

export function receiptView(receipt: ReceiptCreated, look: Look): string[] {
  const { paint, glyphs } = look;
  if (receipt.size === 0)
    return [`${paint.red(glyphs.cross)} No receipt was written: not every host could be asked.`];
  const engines = receipt.layers > 0 ? [`${plural(receipt.layers, 'layer')} of engines`] : [];
  return [
    `${paint.green(glyphs.tick)} ${paint.bold(clean(receipt.path))} is the receipt, ${formatBytes(receipt.size)}`,
    ...pairs(
      [
        ['of', receipt.places.map(place => clean(place)).join(', ')],
        ['names', [plural(receipt.blobs, 'blob'), ...engines].join(', ')],
      ],
      look,
      INDENT,
    ),
  ];
}
