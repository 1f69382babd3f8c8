/** Docker's own command line on a host: always the local engine, whatever context root has chosen there. */

export const DOCKER_SOCKET = '/run/docker.sock';

/** Goes before the docker commands of a script. */
export const DOCKER_ENVIRONMENT = `unset DOCKER_CONTEXT DOCKER_TLS_VERIFY; export DOCKER_HOST=unix://${DOCKER_SOCKET}`;

/** Sets `$t` to what goes before a command that may take so many seconds; to nothing where there is no `timeout`. */
export function setTimeLimit(seconds: number): string {
  return `t='timeout ${seconds}'; command -v timeout >/dev/null 2>&1 || t=`;
}

/** A script of docker commands. */
export function dockerScript(script: string): string {
  return `${DOCKER_ENVIRONMENT}\n${script}`;
}
