/** Where the parts of a bundle come from: files of the operator, and files of publishers that were fetched. */
import type { Source } from '../config/sources.ts';
import type { Meter } from '../support/meter.ts';
import type { PublishedFiles } from './fetch/files.ts';
import { type Component, wantedFile } from './fetch/wanted-files.ts';
import { fileInput, type Input } from './local-file.ts';
import type { Trust } from './sign/trust.ts';

export interface InputContext {
  meter: Meter;
  files: PublishedFiles;
  /** For bundles that images are taken from. */
  trust: Trust;
  signal?: AbortSignal;
}

/** Open what a recipe's source names: a file of the operator, or one that was fetched. */
export function openInput(
  source: Source,
  { name, version }: Pick<Component, 'name' | 'version'>,
  { meter, files }: Pick<InputContext, 'meter' | 'files'>,
): Input {
  if (source.kind === 'file') return fileInput(source.path, meter);
  const wanted = wantedFile(source, { name, version });
  return { name: wanted.fileName, open: () => files.open(wanted) };
}
