/** `bundle inspect`: say what is inside, without reading it all; in words, as a bill of materials, as a page. */
import { type BundleInspection, inspectBundle as inspect } from '../bundle/inspect.ts';
import { Bundle, type BundleOpenOptions } from '../bundle/open.ts';
import { bundlePage } from '../bundle/report/bundle-page.ts';
import { type CycloneDx, cyclonedx } from '../bundle/report/cyclonedx.ts';
import { engineBinaries } from '../bundle/report/engine-binaries.ts';

export interface BundleInspectOptions {
  path: string;
  /** Folders of more parts, and files with blobs that it leaves out. */
  from?: BundleOpenOptions;
}

/** Describe the bundle at a path. Throws what opening it throws. */
export function inspectBundle(options: BundleInspectOptions): Promise<BundleInspection> {
  return within(options, inspect);
}

/** The bytes of a bundle's manifest. Throws what opening it throws. */
export function bundleManifest(options: BundleInspectOptions): Promise<Uint8Array> {
  return within(options, async bundle => bundle.manifestBytes);
}

/** A page of HTML that is whole in itself; `airferry` is the version that says so. Throws what opening it throws. */
export function bundleHtml(options: BundleInspectOptions & { airferry: string }): Promise<string> {
  return within(options, async bundle => bundlePage(await inspect(bundle), options.airferry));
}

/**
 * A software bill of materials. The engine's archives are read, for the digests of their binaries. Throws what opening
 * throws, and ARCHIVE_INVALID, ARCHIVE_TRUNCATED, DIGEST_MISMATCH for an engine archive.
 */
export function bundleCycloneDx(
  options: BundleInspectOptions & { airferry: string; signal?: AbortSignal },
): Promise<CycloneDx> {
  return within(options, async bundle =>
    cyclonedx(await inspect(bundle), await engineBinaries(bundle, options.signal), options.airferry),
  );
}

async function within<T>(
  { path, from = {} }: BundleInspectOptions,
  work: (bundle: Bundle) => Promise<T>,
): Promise<T> {
  const bundle = Bundle.open(path, from);
  try {
    return await work(bundle);
  } finally {
    bundle.close();
  }
}
