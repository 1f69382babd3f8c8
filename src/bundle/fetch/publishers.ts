/** Where publishers keep the tools beside engine and compose: addresses for a version and a platform. Pure. */
import type { ToolName } from '../../config/tools.ts';
import { engineSource, type PublishedFile } from '../../engine/source.ts';
import { AirferryError } from '../../errors.ts';

/** The hosts that files come from, mirrors aside. */
export const PUBLISHER_HOSTS = ['download.docker.com', 'github.com'] as const;

type Arches = Readonly<Record<string, string>>;

const GO: Arches = {
  'linux/amd64': 'amd64',
  'linux/arm64': 'arm64',
  'linux/ppc64le': 'ppc64le',
  'linux/s390x': 's390x',
};

const BUILDX: Arches = { ...GO, 'linux/arm/v6': 'arm-v6', 'linux/arm/v7': 'arm-v7' };
const CRICTL: Arches = { ...GO, 'linux/arm/v6': 'arm', 'linux/arm/v7': 'arm' };
const NERDCTL: Arches = { ...GO, 'linux/arm/v7': 'arm-v7' };
/** As GoReleaser names them. */
const REGISTRY: Arches = { ...GO, 'linux/arm/v6': 'armv6', 'linux/arm/v7': 'armv7' };
/** Docker builds them for these two alone. */
const ROOTLESS: readonly string[] = ['linux/amd64', 'linux/arm64'];

/** The publisher's file of a tool. Throws PLATFORM_INVALID, and ENGINE_INVALID for extras of no engine. */
export function toolSource(name: ToolName, version: string, platform: string): PublishedFile {
  switch (name) {
    case 'rootless-extras':
      return rootlessSource(version, platform);
    case 'buildx': {
      const fileName = `buildx-v${version}.linux-${archOf(platform, BUILDX, `buildx ${version}`)}`;
      const folder = `https://github.com/docker/buildx/releases/download/v${version}`;
      return { url: `${folder}/${fileName}`, fileName, checksumUrl: `${folder}/checksums.txt` };
    }
    case 'crictl': {
      const fileName = `crictl-v${version}-linux-${archOf(platform, CRICTL, `crictl ${version}`)}.tar.gz`;
      const url = `https://github.com/kubernetes-sigs/cri-tools/releases/download/v${version}/${fileName}`;
      return { url, fileName, checksumUrl: `${url}.sha256` };
    }
    case 'registry': {
      const fileName = `registry_${version}_linux_${archOf(platform, REGISTRY, `registry ${version}`)}.tar.gz`;
      const url = `https://github.com/distribution/distribution/releases/download/v${version}/${fileName}`;
      return { url, fileName, checksumUrl: `${url}.sha256` };
    }
    case 'nerdctl': {
      const fileName = `nerdctl-${version}-linux-${archOf(platform, NERDCTL, `nerdctl ${version}`)}.tar.gz`;
      const folder = `https://github.com/containerd/nerdctl/releases/download/v${version}`;
      return { url: `${folder}/${fileName}`, fileName, checksumUrl: `${folder}/SHA256SUMS` };
    }
  }
}

/** They lie beside the engine's archive, and have no checksums either. */
function rootlessSource(version: string, platform: string): PublishedFile {
  archOf(platform, Object.fromEntries(ROOTLESS.map(one => [one, one])), `rootless-extras ${version}`);
  const engine = engineSource(version, platform);
  const fileName = engine.fileName.replace(/^docker-/, 'docker-rootless-extras-');
  return { url: engine.url.replace(/[^/]+$/, fileName), fileName };
}

function archOf(platform: string, arches: Arches, what: string): string {
  const canonical = platform === 'linux/arm64/v8' ? 'linux/arm64' : platform;
  const arch = Object.hasOwn(arches, canonical) ? arches[canonical] : undefined;
  if (arch !== undefined) return arch;
  throw new AirferryError('PLATFORM_INVALID', `${what} is not published for ${platform}`, {
    suggestions: [
      `It is published for ${Object.keys(arches).join(', ')}.`,
      'Or name a file of your own in the recipe.',
    ],
  });
}
