/** The daemon.json templates that come with airferry, by name: plain files under templates/daemon/. */
import { AirferryError } from '../errors.ts';
import { closest } from '../support/suggest.ts';
import { readAsset } from './assets.ts';
import { type DaemonConfig, parseDaemonJson } from './daemon-json.ts';
import { shown } from './shown.ts';
import { OLDEST_ENGINE, type VersionRange } from './version.ts';

export interface DaemonTemplate {
  name: string;
  /** What it is for, in a line. */
  title: string;
  /** The engines that take it. */
  engines: VersionRange;
  /** Keys that it leaves to the site: values must give them. */
  needs: readonly string[];
  config: DaemonConfig;
}

const TEMPLATES: Record<
  string,
  Pick<DaemonTemplate, 'title' | 'needs'> & Partial<Pick<DaemonTemplate, 'engines'>>
> = {
  default: { title: "the engine's own defaults, with logs that do not fill the disk", needs: [] },
  production: {
    title: 'data under /data/docker, systemd cgroups, containers that outlive a restart of the engine',
    needs: [],
  },
  'registry-mirror': {
    title: 'a registry on the intranet in place of Docker Hub',
    needs: ['registry-mirrors'],
  },
  'kubernetes-cgroups': { title: 'what kubelet expects of an engine beneath it', needs: [] },
  'tls-remote-api': {
    title: 'the API on port 2376 for those who have a certificate of your CA',
    needs: [],
  },
  rootless: {
    title: 'an engine without root, as systemd of a user runs it',
    needs: [],
    engines: { from: '20.10' },
  },
  'log-shipping': {
    title: 'logs to syslog, which never hold a container up; `syslog-address` in log-opts names another host',
    needs: [],
  },
};

/** The names of the templates. */
export const DAEMON_TEMPLATES: readonly string[] = Object.keys(TEMPLATES);

/** A template by name. Throws TEMPLATE_INVALID with the nearest name and the list. */
export function loadDaemonTemplate(name: string): DaemonTemplate {
  const entry = Object.hasOwn(TEMPLATES, name) ? TEMPLATES[name] : undefined;
  if (entry === undefined) {
    const near = closest(name, DAEMON_TEMPLATES);
    throw new AirferryError('TEMPLATE_INVALID', `there is no daemon.json template ${shown(name)}`, {
      suggestions: [
        ...(near === undefined ? [] : [`Did you mean "${near}"?`]),
        `Choose one of ${DAEMON_TEMPLATES.join(', ')}.`,
      ],
    });
  }
  const file = `daemon/${name}.json`;
  const { config } = parseDaemonJson(readAsset('templates', file), { file: `templates/${file}` });
  return { name, engines: { from: OLDEST_ENGINE }, ...entry, config };
}
