/** Where an engine's settings lie on a host. */

export const DAEMON_JSON = '/etc/docker/daemon.json';
/** The operator's own settings, under ours. */
export const OWN_DAEMON_JSON = '/var/lib/airferry/daemon.own.json';
