/** Runtimes whose command line is modelled on Docker's: the same questions in Go templates, the same answers. */
import { type Digest, isDigest } from '../../content/digest.ts';
import { chainIds } from '../../content/manifest.ts';
import { familiarName, parseReference } from '../../content/reference.ts';
import { isAirferryError } from '../../errors.ts';
import { quote } from '../../host/quote.ts';
import type { EngineStore } from '../../transports/docker-load.ts';
import type { FoundImage } from './runtime.ts';

/** Lines `name=ID REPOSITORY:TAG`, then `layers=[…]` for every image. `program` may have words of its own. */
export function listScript(program: string): string {
  return `l=$(${program} images -a --no-trunc --format 'name={{.ID}} {{.Repository}}:{{.Tag}}')
printf '%s\\n' "$l"
printf '%s\\n' "$l" | sed -n 's/^name=\\([^ ]*\\) .*/\\1/p' | sort -u | xargs -r ${program} image inspect --format 'layers={{json .RootFS.Layers}}'`;
}

/** What `listScript` printed. */
export function parseList(lines: readonly string[]): Pick<EngineStore, 'chains' | 'names'> {
  const chains = new Set<Digest>();
  const names = new Map<string, string>();
  for (const line of lines) {
    const [, id, name] = /^name=(?:sha256:)?([0-9a-f]{64}) (\S+)$/.exec(line) ?? [];
    if (id !== undefined && name !== undefined && !name.includes('<none>'))
      names.set(familiar(name), `sha256:${id}`);
    if (line.startsWith('layers=')) for (const chain of chainIds(digests(line.slice(7)))) chains.add(chain);
  }
  return { chains, names };
}

/** A line for each name that leads to an image: the name, its ID, platform and layers. */
export function inspectScript(program: string, names: readonly string[]): string {
  return `for n in ${names.map(quote).join(' ')}; do
  x=$(${program} image inspect --format '{{.Id}} {{.Os}}/{{.Architecture}} {{json .RootFS.Layers}}' "$n" 2>/dev/null) && printf '%s %s\\n' "$n" "$x"
done; :`;
}

/** What `inspectScript` printed. */
export function parseInspected(text: string): FoundImage[] {
  return text.split('\n').flatMap(line => {
    const [, name, id, os, architecture, layers] =
      /^(\S+) (?:sha256:)?([0-9a-f]{64}) ([^/\s]+)\/(\S+) (\[.*\]|null)$/.exec(line) ?? [];
    if (!name || !id || !os || !architecture || !layers) return [];
    return [
      {
        name: familiar(name),
        id: `sha256:${id}`,
        platform: { os, architecture },
        diffIds: digests(layers),
      },
    ];
  });
}

/** Pull, name, forget the name that it was pulled by: which must not stay, whatever became of the rest. */
export function pullTagged(
  { pull, tag, forget }: { pull: string; tag: string; forget: (from: string) => string },
  reference: string,
  names: readonly string[],
): string {
  const from = quote(reference);
  const tags = names.map(name => `${tag} ${from} ${quote(name)}`).join(' && ');
  return `${pull} ${from} >/dev/null || exit
{ ${tags}; } >/dev/null; s=$?
${forget(from)} >/dev/null || s=$?
exit $s`;
}

/** A name as Docker writes it; what is no name to us stays what it is. */
export function familiar(name: string): string {
  try {
    return familiarName(parseReference(name));
  } catch (error) {
    if (isAirferryError(error, 'REFERENCE_INVALID')) return name;
    throw error;
  }
}

function digests(text: string): Digest[] {
  try {
    const list: unknown = JSON.parse(text);
    return Array.isArray(list) && list.every(isDigest) ? list : [];
  } catch {
    return [];
  }
}
