/**
 * `bundle inspect`: say what is inside, without reading it all; in words, as a bill of materials, as a page. What makes the
 * latter two is loaded only for them.
 */
import { type BundleInspection, inspectBundle as inspect } from '../bundle/inspect.ts';
import { Bundle, type BundleOpenOptions } from '../bundle/open.ts';
import type { CycloneDx } from '../bundle/report/cyclonedx.ts';

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
export async function bundleHtml(options: BundleInspectOptions & { airferry: string }): Promise<string> {
  const { bundlePage } = await import('../bundle/report/bundle-page.ts');
  return within(options, async bundle => bundlePage(await inspect(bundle), options.airferry));
}

/**
 * A software bill of materials. The engine's archives are read, for the digests of their binaries. Throws what opening
 * throws, and ARCHIVE_INVALID, ARCHIVE_TRUNCATED, DIGEST_MISMATCH for an engine archive.
 */
export async function bundleCycloneDx(
  options: BundleInspectOptions & { airferry: string; signal?: AbortSignal },
): Promise<CycloneDx> {
  const { cyclonedx } = await import('../bundle/report/cyclonedx.ts');
  const { engineBinaries } = await import('../bundle/report/engine-binaries.ts');
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
