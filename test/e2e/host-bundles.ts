/** Bundles for the host tests: an engine of each version, compose, the tiny images and a file. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createBundle } from '../../src/actions/bundle-create.ts';
import { parseRecipe } from '../../src/config/recipe.ts';
import { Meter } from '../../src/support/meter.ts';
import { tinyCorpus } from '../lab/corpus.ts';
import { COMPOSE_VERSION, composePlugin, type EngineVersion, engineArchive } from '../lab/engines.ts';

export interface Cargo {
  /** Another archive of that engine. */
  archive?: string;
  /** Another compose. */
  compose?: string;
  /** A further file, which says nothing else than the first one does. */
  file?: string;
}

/** Pack into `dir`; `more` are further lines of the recipe. Gives back the bundle's path. */
export async function packSite(
  dir: string,
  engine: EngineVersion,
  more = '',
  { archive, compose, file }: Cargo = {},
): Promise<string> {
  const { save20 } = await tinyCorpus();
  const motd = join(dir, `motd-${engine}`);
  await writeFile(motd, `This host runs engine ${engine}.\n`);
  const text = `name: plant-7
version: "2026.11-${engine}"
engine: { version: ${engine}, archive: ${archive ?? (await engineArchive(engine))} }
compose: { version: ${COMPOSE_VERSION}, file: ${compose ?? (await composePlugin())} }
images: [{ archive: ${save20} }]
files:
  - { from: ${motd}, to: /etc/site/motd, mode: "0640" }${file ? `\n  - { from: ${motd}, to: ${file} }` : ''}
${more || 'daemon: { template: default }'}
`;
  const other = archive || compose || file ? '-other' : '';
  const output = join(dir, `site-${engine}-${more.length}${other}.tar`);
  const recipe = parseRecipe(text, { file: join(dir, 'bundle.yaml') });
  await createBundle({ recipe, output, meter: new Meter() });
  return output;
}
