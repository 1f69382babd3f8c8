/** Paths on a host that airferry writes itself: no file of a recipe may go there, or the two would undo each other. */

const FILES: ReadonlySet<string> = new Set([
  '/etc/docker/daemon.json',
  '/etc/hosts',
  '/etc/modules-load.d/80-airferry.conf',
  '/etc/sysctl.d/80-airferry.conf',
  '/etc/systemd/system/docker.service',
  '/etc/systemd/system/docker.socket',
  '/etc/systemd/system/containerd.service',
]);
const FOLDERS = ['/opt/airferry', '/var/lib/airferry', '/var/log/airferry'];
/** The drop-ins that airferry has; those of other names are the operator's. */
const DROP_INS =
  /^\/etc\/systemd\/system\/(?:docker|containerd)\.service\.d\/10-(?:exec|notify|start-limit|tasks-max|nofile)\.conf$/;

/** Why such a path is refused, and what to use instead. */
export const RESERVED_HINT = "airferry writes this itself: use `daemon:` / `units:` / the fleet's `registry`";

/** Whether airferry writes there itself. `path` is absolute and normalised. */
export function isReserved(path: string): boolean {
  return (
    FILES.has(path) ||
    DROP_INS.test(path) ||
    FOLDERS.some(folder => path === folder || path.startsWith(`${folder}/`))
  );
}
