/** `bundle repair`: make a lost part of a bundle anew. */
import { type Repaired, type RepairOptions, repairParts } from '../bundle/parts/repair.ts';

export interface BundleRepaired extends Repaired {
  bundle: string;
}

/** Repair a bundle that is in parts. Throws what `repairParts` throws. */
export async function repairBundle(options: RepairOptions): Promise<BundleRepaired> {
  return { bundle: options.path, ...(await repairParts(options)) };
}
