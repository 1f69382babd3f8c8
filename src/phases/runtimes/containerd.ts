/**
 * containerd by itself, through ctr: on Kubernetes nodes the namespace is `k8s.io`.
 *
 * Names are whole here. An image is known by the digest of its manifest; ctr has no `inspect`, so what the image is made
 * of is read from the content store: manifest first, then the config that it names.
 */
import { type Digest, isDigest } from '../../content/digest.ts';
import { parseImageConfig, parseManifest } from '../../content/manifest.ts';
import { quote } from '../../host/quote.ts';
import type { Shell } from '../../host/shell.ts';
import type { EngineStore } from '../../transports/docker-load.ts';
import { notReady } from './not-ready.ts';
import { ASK_TIMEOUT_MS, type FoundImage, MAX_ANSWER, type Runtime, wholeName } from './runtime.ts';
import { familiar, pullTagged } from './templates.ts';

/** ctr in one namespace. */
export function containerd(namespace: string): Runtime {
  const ctr = `ctr --namespace ${quote(namespace)}`;
  return {
    name: 'containerd',
    title: `containerd (namespace ${namespace})`,
    ask: shell => ask(shell, ctr),
    loadScript: `${ctr} images import - 2>&1`,
    pullScript: (reference, names) => ctrPull(ctr, reference, names),
    inspect: (shell, names) => inspect(shell, ctr, names),
    advice: 'Look into containerd on the host: journalctl -u containerd; then run the same command again.',
  };
}

function ctrPull(ctr: string, reference: string, names: readonly string[]): string {
  const commands = {
    pull: `${ctr} images pull --plain-http`,
    tag: `${ctr} images tag --force`,
    forget: (from: string) => `${ctr} images rm ${from}`,
  };
  return pullTagged(commands, reference, names.map(wholeName));
}

/** The version; a line `image=NAME DIGEST` for each; a line `blob=DIGEST` for all content. */
function askScript(ctr: string): string {
  return `ctr version >/dev/null || exit
echo answers
${ctr} images ls | while read -r name type digest rest; do echo "image=$name $digest"; done
${ctr} content ls -q | while read -r digest; do echo "blob=$digest"; done`;
}

async function ask(shell: Shell, ctr: string): Promise<EngineStore> {
  const { status, stdout, stderr } = await shell.run(askScript(ctr), {
    root: true,
    check: false,
    title: 'ask containerd for its images',
    maxOutput: MAX_ANSWER,
    timeoutMs: ASK_TIMEOUT_MS,
  });
  if (!stdout.startsWith('answers\n')) throw notReady(shell, 'ctr', status, stderr);
  const names = new Map<string, string>();
  const blobs = new Set<Digest>();
  for (const line of stdout.split('\n')) {
    const [, name, id] = /^image=(\S+) (sha256:[0-9a-f]{64})$/.exec(line) ?? [];
    // Kubernetes gives each image a second name, which is its ID.
    if (name !== undefined && id !== undefined && !name.startsWith('sha256:')) names.set(familiar(name), id);
    const blob = line.startsWith('blob=') ? line.slice(5) : undefined;
    if (isDigest(blob)) blobs.add(blob);
  }
  return { kind: 'containerd', major: Number.POSITIVE_INFINITY, chains: new Set(), blobs, names };
}

/** What `ctr images check` says of a name, and the manifest below it on one line. */
interface Checked {
  name: string;
  id: Digest;
  problem?: string;
  config?: Digest;
}

async function inspect(shell: Shell, ctr: string, names: readonly string[]): Promise<FoundImage[]> {
  const ask = async (script: string, title: string): Promise<string[]> => {
    const options = { root: true, check: false, title, maxOutput: MAX_ANSWER, timeoutMs: ASK_TIMEOUT_MS };
    return (await shell.run(script, options)).stdout.split('\n');
  };
  const checks = names.map(
    name => `r=$(${ctr} images check ${quote(`name==${wholeName(name)}`)} | sed 1d) && [ -n "$r" ] && {
  printf 'check=%s\\n' "$r"
  printf 'manifest=%s\\n' "$(${ctr} content get "$(printf %s "$r" | grep -o 'sha256:[0-9a-f]*' | head -n 1)" | tr -d '\\n')"
}`,
  );
  const checked = readChecks(await ask(checks.join('\n'), 'ctr images check'));
  const configs = [...new Set(checked.flatMap(({ config }) => config ?? []))];
  const gets = configs.map(
    digest => `printf '%s %s\\n' ${digest} "$(${ctr} content get ${digest} | tr -d '\\n')"`,
  );
  const texts = new Map(
    (await ask(gets.join('\n'), 'ctr content get')).map(line => [
      line.slice(0, line.indexOf(' ')),
      line.slice(line.indexOf(' ') + 1),
    ]),
  );
  return checked.map(({ name, id, problem, config }) => {
    const text = config && texts.get(config);
    const { platform, diffIds } = text
      ? parseImageConfig(Buffer.from(text))
      : { platform: { os: 'unknown', architecture: 'unknown' }, diffIds: [] };
    return {
      name,
      id,
      platform,
      diffIds,
      ...(config ? { config } : {}),
      ...(problem || !text ? { problem: problem ?? 'without its config' } : {}),
    };
  });
}

/** Out of the rows of `ctr images check` and the manifests that follow each. */
function readChecks(lines: readonly string[]): Checked[] {
  const found: Checked[] = [];
  for (const line of lines) {
    const [, name, id, status, unpacked] =
      /^check=(\S+)\s+\S+\s+(\S+)\s+(complete|incomplete|unavailable|unknown)\b.*\s(true|false)\s*$/.exec(
        line,
      ) ?? [];
    if (name !== undefined && isDigest(id)) {
      const problem = status !== 'complete' ? status : unpacked === 'true' ? undefined : 'not unpacked';
      found.push({ name: familiar(name), id, ...(problem ? { problem } : {}) });
    }
    const last = found.at(-1);
    const manifest = line.startsWith('manifest={') ? parseManifest(Buffer.from(line.slice(9))) : undefined;
    if (last && manifest?.kind === 'image') last.config = manifest.config.digest;
  }
  return found;
}
