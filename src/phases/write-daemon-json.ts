/**
 * daemon.json: ours over the operator's own, object by object. What the operator wrote, before us or since, is kept
 * apart (`daemon.own.json`), so that a later run finds the same base and a setting that leaves the recipe leaves the host.
 */
import { type DaemonConfig, formatDaemonJson, parseDaemonJson } from '../engine/daemon-json.ts';
import type { HostContext, Phase } from './phase.ts';
import { planFiles, textFile } from './place-files.ts';

export const DAEMON_JSON = '/etc/docker/daemon.json';
/** The operator's own settings, under ours. */
export const OWN_DAEMON_JSON = '/var/lib/airferry/daemon.own.json';

export const writeDaemonJson: Phase = {
  name: 'write-daemon-json',
  plan(context, report) {
    const { wanted } = context;
    if (!wanted.engine) return undefined;
    const own = operatorsOwn(context);
    const { text, warnings } = wanted.daemonJson(own ?? {});
    for (const warning of warnings) report.note(warning);
    const daemon = planFiles(context, [textFile(DAEMON_JSON, text, modeOf(context))]);
    // Beside the one that it is kept for, and as private: it may hold a proxy with a password.
    const kept = planFiles(context, own ? [textFile(OWN_DAEMON_JSON, formatDaemonJson(own), '0600')] : []);
    if (daemon.changes.length === 0 && kept.changes.length === 0) return undefined;
    const merged = own && Object.keys(own).length > 0 ? ['keep the settings of yours that were in it'] : [];
    return {
      changes: daemon.changes.length > 0 ? [...daemon.changes, ...merged] : [`write ${OWN_DAEMON_JSON}`],
      files: [...kept.files, ...daemon.files],
      restart: daemon.changes.length > 0 ? ['docker.service'] : [],
      async run() {
        await kept.run();
        await daemon.run();
      },
    };
  },
};

/** What the operator wrote: the file itself when it is not as we left it, else what we kept of it. Throws DAEMON_JSON_INVALID. */
function operatorsOwn({ survey, state }: HostContext): DaemonConfig | undefined {
  const now = survey.paths.get(DAEMON_JSON);
  const recorded = state.files.find(file => file.path === DAEMON_JSON);
  const ours = now?.kind === 'file' && now.sha256 === recorded?.sha256;
  const path = ours || now?.kind === 'absent' ? OWN_DAEMON_JSON : DAEMON_JSON;
  const text = survey.contents.get(path);
  if (text === undefined || text.trim() === '') return undefined;
  return parseDaemonJson(text, { file: path }).config;
}

/** A mode that the operator chose stays. */
function modeOf({ survey }: HostContext): string {
  const now = survey.paths.get(DAEMON_JSON);
  return now?.kind === 'file' ? now.mode : '0644';
}
