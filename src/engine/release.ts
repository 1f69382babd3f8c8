/**
 * How releases lie on a host. Each engine and each compose has a folder of its own, named by version and content, so
 * that releases stand side by side and a switch or rollback is one rename:
 *
 *   /opt/airferry/releases/20.10.24-0123456789ab/bin/dockerd …
 *   /opt/airferry/compose/2.29.7-0123456789ab/docker-compose
 *   /opt/airferry/current -> releases/20.10.24-0123456789ab
 *   /usr/local/bin/dockerd -> /opt/airferry/current/bin/dockerd
 *   /usr/local/lib/docker/cli-plugins/docker-compose -> /opt/airferry/compose/2.29.7-0123456789ab/docker-compose
 *
 * `current` is relative: the tree stays whole when it is looked at from elsewhere, in a rescue system or a chroot.
 * The links outside of the tree are absolute: `ls -l` shows at a glance whose they are, they hold when /usr/local is
 * a mount or link of its own, and `isOurs` can tell them from an operator's.
 *
 * Binaries keep the names that they have in the archive, docker-containerd of 18.06 included, since dockerd looks for
 * them under those names on its PATH. The folder is called `bin` because SELinux' stock policy labels
 * /opt/<anything>/bin/ as programs (bin_t).
 */
import { AirferryError } from '../errors.ts';
import { type ComposeKind, composeKind, parseComposeVersion } from './compose.ts';
import { isEngineBinary } from './layouts.ts';
import { shown } from './shown.ts';
import { supportedEngineVersion } from './version.ts';

export const INSTALL_ROOT = '/opt/airferry';
export const RELEASES_DIR = `${INSTALL_ROOT}/releases`;
export const COMPOSE_DIR = `${INSTALL_ROOT}/compose`;
export const CURRENT_LINK = `${INSTALL_ROOT}/current`;
export const BIN_DIR = '/usr/local/bin';
export const CLI_PLUGINS_DIR = '/usr/local/lib/docker/cli-plugins';

export interface Link {
  /** Where the link lies. */
  path: string;
  /** What it says. */
  target: string;
}

export interface EngineRelease {
  /** `20.10.24-0123456789ab` */
  name: string;
  /** `/opt/airferry/releases/20.10.24-0123456789ab` */
  dir: string;
  /** Where the binaries go. */
  binDir: string;
  /** Each binary: its member in the archive, and its absolute path on the host. */
  files: { member: string; path: string }[];
  /** Makes this release the current one. */
  current: Link;
  /** One per binary, the same for every release that has it. */
  links: Link[];
}

export interface ComposeRelease {
  name: string;
  dir: string;
  kind: ComposeKind;
  /** Where the binary goes. */
  file: string;
  /** v1: docker-compose on the PATH. v2: the CLI plugin, and docker-compose on the PATH for scripts that call it. */
  links: Link[];
}

/** `<version>-<first 12 hex digits of the digest>`. Throws DIGEST_INVALID. */
export function releaseName(version: string, digest: string): string {
  const hex = /^(?:sha256:)?([0-9a-f]{64})$/.exec(digest)?.[1];
  if (hex === undefined) throw new AirferryError('DIGEST_INVALID', `${digest} is not a sha256 digest`);
  return `${version}-${hex.slice(0, 12)}`;
}

/**
 * Lay out an engine; `digest` is the archive's (`sha256:…`), `components` are the names of its binaries.
 * Throws DIGEST_INVALID, and ENGINE_INVALID for a version or name that cannot be one, for a bundle's manifest may lie.
 */
export function engineRelease(engine: {
  version: string;
  digest: string;
  components: readonly string[];
}): EngineRelease {
  const name = releaseName(supportedEngineVersion(engine.version).text, engine.digest);
  const stranger = engine.components.find(file => !isEngineBinary(file));
  if (stranger !== undefined)
    throw new AirferryError('ENGINE_INVALID', `${shown(stranger)} is no binary of an engine`);
  const dir = `${RELEASES_DIR}/${name}`;
  const binDir = `${dir}/bin`;
  return {
    name,
    dir,
    binDir,
    files: engine.components.map(file => ({ member: `docker/${file}`, path: `${binDir}/${file}` })),
    current: { path: CURRENT_LINK, target: `releases/${name}` },
    links: engine.components.map(file => ({
      path: `${BIN_DIR}/${file}`,
      target: `${CURRENT_LINK}/bin/${file}`,
    })),
  };
}

/** Lay out a compose binary; `digest` is the binary's own. Throws COMPOSE_INVALID, DIGEST_INVALID. */
export function composeRelease(compose: { version: string; digest: string }): ComposeRelease {
  const name = releaseName(parseComposeVersion(compose.version).text, compose.digest);
  const dir = `${COMPOSE_DIR}/${name}`;
  const file = `${dir}/docker-compose`;
  const kind = composeKind(compose.version);
  const paths = [`${BIN_DIR}/docker-compose`];
  if (kind === 'plugin') paths.unshift(`${CLI_PLUGINS_DIR}/docker-compose`);
  return { name, dir, kind, file, links: paths.map(path => ({ path, target: file })) };
}

/** Whether a link with this target was made by airferry: only such a link may be replaced or removed. */
export function isOurs(target: string): boolean {
  return target.startsWith(`${INSTALL_ROOT}/`) && !target.split('/').includes('..');
}
