/**
 * Unpack the staged archive into a release of its own: the listed binaries and nothing else, under a temporary name,
 * renamed when all of them are there. The archive was hashed on arrival, and judged when it was packed.
 */

import { RELEASES_DIR } from '../engine/release.ts';
import { AirferryError } from '../errors.ts';
import { DEFINE_SUMS, FINGERPRINT } from '../host/hashing.ts';
import { quote } from '../host/quote.ts';
import type { InstalledFile } from '../host/state.ts';
import { plural } from '../support/format.ts';
import type { Phase } from './phase.ts';
import { newFolders } from './place-files.ts';
import { releaseIsWhole } from './release-state.ts';
import { stagedPath } from './stage-engine.ts';
import type { WantedEngine } from './wanted.ts';

export const layOutRelease: Phase = {
  name: 'lay-out-release',
  plan(context) {
    const { engine } = context.wanted;
    if (!engine || releaseIsWhole(context, engine)) return undefined;
    const { release } = engine;
    const folders = newFolders(context, [release.dir]).filter(({ path }) => path !== release.dir);
    return {
      changes: [`lay out ${release.dir} (${plural(release.files.length, 'program')})`],
      files: [...folders, { path: release.dir, kind: 'dir' }],
      async run() {
        const { stdout } = await context.shell.run(layOutScript(engine), {
          root: true,
          title: `lay out ${release.dir}`,
          timeoutMs: 10 * 60_000,
          ...(context.signal ? { signal: context.signal } : {}),
        });
        const files = laidOut(engine, stdout, context.shell.target.name);
        const paths = new Set(files.map(file => file.path));
        context.state = {
          ...context.state,
          files: [...context.state.files.filter(file => !paths.has(file.path)), ...files],
        };
      },
    };
  },
};

/**
 * Prints the hash of each binary, and what its inode says. Leftovers of interrupted attempts are cleared away first. Some archives have `./`
 * before every name, and tar knows no name but the one in the archive.
 */
export function layOutScript({ archive, components, release }: WantedEngine): string {
  const members = (prefix: string): string =>
    components.map(name => quote(`${prefix}docker/${name}`)).join(' ');
  const blob = quote(stagedPath(archive));
  const dir = quote(release.dir);
  return `set -e
${DEFINE_SUMS}
a=${blob}; d=${dir}; t=$d.unfinished; o=$d.replaced
mkdir -p -- ${quote(RELEASES_DIR)}
rm -rf -- "$t" "$o"
trap 'rm -rf -- "$t"' EXIT
mkdir -- "$t" "$t/bin"
unpack() { gzip -dc < "$a" | tar -xf - -C "$t" --no-same-owner "$@"; }
if ! said=$(unpack ${members('')} 2>&1); then
  case $said in *'ot found'*) ;; *) echo "$said" >&2; exit 1;; esac
  unpack ${members('./')}
fi
for n in ${components.map(quote).join(' ')}; do
  if [ -L "$t/docker/$n" ] || [ ! -f "$t/docker/$n" ]; then echo "the archive has no plain file docker/$n" >&2; exit 1; fi
  mv -- "$t/docker/$n" "$t/bin/$n"
done
rm -rf -- "$t/docker"
chown -R root:root -- "$t"
chmod 0755 -- "$t" "$t"/bin "$t"/bin/*
{ sync -- "$t"/bin/* 2>/dev/null || sync; } &
(cd "$t/bin" && { stat -c 'seen ${FINGERPRINT} %n' -- * || :; } && sums *)
wait $!
if [ -e "$d" ]; then mv -T -- "$d" "$o"; fi
mv -T -- "$t" "$d"
trap - EXIT
rm -rf -- "$o"
rm -f -- "$a"`;
}

function laidOut({ release }: WantedEngine, stdout: string, host: string): InstalledFile[] {
  const told = (line: RegExp): Map<string, string> =>
    new Map(
      [...stdout.matchAll(line)].map(([, said = '', name = '']) => [`${release.binDir}/${name}`, said]),
    );
  const hashes = told(/^([0-9a-f]{64}) [ *](\S+)$/gm);
  const seen = told(/^seen (\S+ \S+ \S+ \S+) (\S+)$/gm);
  return release.files.map(({ path }) => {
    const sha256 = hashes.get(path);
    const fingerprint = seen.get(path);
    if (sha256 !== undefined)
      return { path, kind: 'file', sha256, ...(fingerprint && { seen: fingerprint }), mode: '0755' };
    throw new AirferryError('HOST_COMMAND_FAILED', `${path} was laid out, but its hash is not known`, {
      where: { host },
      suggestions: ['Run the command again.'],
    });
  });
}
