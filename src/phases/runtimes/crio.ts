/**
 * CRI-O: its images are those of containers/storage, below /var/lib/containers. crictl can pull but not name an image, so
 * the names come by podman or skopeo on the host, which write the same store.
 */
import { digestOf } from '../../content/digest.ts';
import { parseImageConfig } from '../../content/manifest.ts';
import { AirferryError } from '../../errors.ts';
import { quote } from '../../host/quote.ts';
import type { Shell } from '../../host/shell.ts';
import { describeTarget } from '../../host/target.ts';
import { podman } from './podman.ts';
import { ASK_TIMEOUT_MS, type FoundImage, MAX_ANSWER, type Runtime, wholeName } from './runtime.ts';

const ADVICE = 'Look into CRI-O on the host: journalctl -u crio; then run the same command again.';

/** CRI-O with what the host has to write into its store. Throws ENGINE_NOT_READY where it has neither. */
export function crio(shell: Shell, tools: ReadonlySet<string>): Runtime {
  if (tools.has('podman')) return { ...podman, name: 'crio', title: 'CRI-O (by podman)', advice: ADVICE };
  if (tools.has('skopeo')) return bySkopeo;
  throw new AirferryError(
    'ENGINE_NOT_READY',
    `images cannot be loaded into CRI-O on ${describeTarget(shell.target)}: crictl cannot give them names, and the host has neither podman nor skopeo`,
    {
      where: { host: shell.target.name },
      suggestions: [
        'Install skopeo (or podman) on the host: it writes the store that CRI-O reads.',
        'Or let CRI-O pull from a registry on the intranet: airferry image push.',
      ],
    },
  );
}

/** A copy for each name; from the second on it moves nothing. */
export function skopeoPull(reference: string, names: readonly string[]): string {
  const from = quote(`docker://${reference}`);
  return names
    .map(
      name =>
        `skopeo copy -q --src-tls-verify=false ${from} ${quote(`containers-storage:${wholeName(name)}`)}`,
    )
    .join(' && ');
}

/** It reads no archive from a pipe, so there is no way but to pull. */
const bySkopeo: Runtime = {
  name: 'crio',
  title: 'CRI-O (by skopeo)',
  async ask(shell, names) {
    const found = await configs(shell, names);
    return {
      kind: 'storage',
      major: Number.POSITIVE_INFINITY,
      chains: new Set(),
      names: new Map(found.map(({ name, id }) => [name, id])),
    };
  },
  pullScript: skopeoPull,
  inspect: configs,
  advice: ADVICE,
};

/** The configs of images by name, whose digests are the IDs: byte for byte, so in an encoding that survives a shell. */
async function configs(shell: Shell, names: readonly string[]): Promise<FoundImage[]> {
  const script = `for n in ${names.map(name => quote(wholeName(name))).join(' ')}; do
  skopeo inspect --raw --config "containers-storage:$n" 2>/dev/null | od -An -v -tx1 | tr -d ' \\n'; echo
done`;
  const { stdout } = await shell.run(script, {
    root: true,
    check: false,
    title: 'ask skopeo for images',
    maxOutput: MAX_ANSWER,
    timeoutMs: ASK_TIMEOUT_MS,
  });
  const lines = stdout.split('\n');
  return names.flatMap((name, i) => {
    const bytes = Buffer.from(lines[i] ?? '', 'hex');
    if (bytes.length === 0) return [];
    const { platform, diffIds } = parseImageConfig(bytes);
    return [{ name, id: digestOf(bytes), platform, diffIds }];
  });
}
