/** Manifest files in a folder and its folders; charts among them are refused, since they are no manifests yet. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { AirferryError } from '../errors.ts';
import { printable } from './problem.ts';

const MOST_FILES = 10_000;
const DEEPEST = 32;
const CHART = /^Chart\.ya?ml$/;
const KUSTOMIZATION = /^kustomization(?:\.ya?ml)?$/i;
const MANIFEST = /\.(?:ya?ml|json)$/i;

export interface ManifestFiles {
  /** In the order of their names, folder by folder. */
  files: string[];
  warnings: string[];
}

/**
 * The manifest files that a path stands for: itself, or, of a folder, all *.yaml, *.yml and *.json files below it. Hidden
 * folders and links to folders are passed over. Throws FILE_UNREADABLE, and KUBERNETES_INVALID for Helm charts and for
 * more than 10,000 files.
 */
export async function manifestFiles(path: string): Promise<ManifestFiles> {
  const found: ManifestFiles = { files: [], warnings: [] };
  if ((await stat(path).catch(() => undefined))?.isDirectory()) await gather(path, 0, found);
  else found.files.push(path);
  return found;
}

async function gather(folder: string, depth: number, found: ManifestFiles): Promise<void> {
  const refuse = (message: string, ...suggestions: string[]): AirferryError =>
    new AirferryError('KUBERNETES_INVALID', message, { where: { file: folder }, suggestions });
  if (depth > DEEPEST) throw refuse(`${folder} is more than ${DEEPEST} folders deep`);
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause: NodeJS.ErrnoException) => {
    throw new AirferryError('FILE_UNREADABLE', `${folder} cannot be read: ${cause.code}`, {
      where: { file: folder },
      cause,
    });
  });
  if (entries.some(({ name }) => CHART.test(name))) {
    throw refuse(
      `${folder} is a Helm chart: its templates are no manifests yet`,
      `Render it first, with your values: helm template NAME ${folder} > rendered.yaml`,
      'Then name the rendered file, and other folders one by one.',
    );
  }
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.name.startsWith('.')) continue;
    const target = entry.isSymbolicLink() ? await stat(path).catch(() => undefined) : entry;
    if (target?.isDirectory()) {
      if (target === entry) await gather(path, depth + 1, found);
      else found.warnings.push(`${printable(path)} is a link to a folder, and was not followed.`);
    } else if (target?.isFile() && KUSTOMIZATION.test(entry.name)) {
      found.warnings.push(
        `${printable(folder)} is for kustomize, which may change the names of images. Render it first: kubectl kustomize ${printable(folder)} > rendered.yaml`,
      );
    } else if (target?.isFile() && MANIFEST.test(entry.name)) found.files.push(path);
    if (found.files.length > MOST_FILES) throw refuse(`there are more than ${MOST_FILES} manifests`);
  }
}
