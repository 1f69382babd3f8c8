/**
 * daemon.json: ours over the operator's own, object by object. What the operator wrote, before us or since, is kept
 * apart (`daemon.own.json`), so that a later run finds the same base and a setting that leaves the recipe leaves the host.
 */
import {
  type DaemonConfig,
  daemonJsonChange,
  formatDaemonJson,
  parseDaemonJson,
} from '../engine/daemon-json.ts';
import { withoutSecrets } from '../engine/daemon-secrets.ts';
import { unifiedDiff } from '../support/unified-diff.ts';
import { DAEMON_JSON, OWN_DAEMON_JSON } from './daemon-files.ts';
import type { HostContext, Phase, Plan } from './phase.ts';
import { planFiles, textFile } from './place-files.ts';

export const writeDaemonJson: Phase = {
  name: 'write-daemon-json',
  plan(context, report) {
    const { wanted } = context;
    if (!wanted.engine) return undefined;
    const { own, text, warnings } = plannedDaemonJson(context);
    for (const warning of warnings) report.note(warning);
    const daemon = planFiles(context, [textFile(DAEMON_JSON, text, modeOf(context))]);
    // Beside the one that it is kept for, and as private: it may hold a proxy with a password.
    const kept = planFiles(context, own ? [textFile(OWN_DAEMON_JSON, formatDaemonJson(own), '0600')] : []);
    if (daemon.changes.length === 0 && kept.changes.length === 0) return undefined;
    const merged = own && Object.keys(own).length > 0 ? ['keep the settings of yours that were in it'] : [];
    const diff = diffOf(context, text);
    return {
      changes: daemon.changes.length > 0 ? [...daemon.changes, ...merged] : [`write ${OWN_DAEMON_JSON}`],
      files: [...kept.files, ...daemon.files],
      ...(daemon.changes.length > 0 ? effectOf(context, text) : {}),
      ...(diff === '' ? {} : { diff }),
      async run() {
        await kept.run();
        await daemon.run();
      },
    };
  },
};

/**
 * daemon.json as it is to be, and the operator's own part of it. Throws DAEMON_JSON_INVALID for what the operator wrote,
 * and for what comes of it.
 */
export function plannedDaemonJson(context: Pick<HostContext, 'wanted' | 'survey' | 'state'>): {
  own: DaemonConfig | undefined;
  text: string;
  warnings: string[];
} {
  const own = operatorsOwn(context);
  return { own, ...context.wanted.daemonJson(own ?? {}) };
}

/** What the operator wrote: the file itself when it is not as we left it, else what we kept of it. Throws DAEMON_JSON_INVALID. */
function operatorsOwn({ survey, state }: Pick<HostContext, 'survey' | 'state'>): DaemonConfig | undefined {
  const now = survey.paths.get(DAEMON_JSON);
  const path = isAsWeLeftIt({ survey, state }) || now?.kind === 'absent' ? OWN_DAEMON_JSON : DAEMON_JSON;
  const text = survey.contents.get(path);
  if (text === undefined || text.trim() === '') return undefined;
  return parseDaemonJson(text, { file: path }).config;
}

function isAsWeLeftIt({ survey, state }: Pick<HostContext, 'survey' | 'state'>): boolean {
  const now = survey.paths.get(DAEMON_JSON);
  const recorded = state.files.find(file => file.path === DAEMON_JSON);
  return now?.kind === 'file' && now.sha256 === recorded?.sha256;
}

/**
 * What the engine has to do about it. Only of a file that is as we left it do we know that the engine runs on it; one
 * that somebody has changed since may or may not be in force.
 */
function effectOf({ survey, state }: HostContext, text: string): Pick<Plan, 'restart' | 'reload'> {
  const before = survey.contents.get(DAEMON_JSON);
  const inForce = isAsWeLeftIt({ survey, state }) && !state.pending?.includes('docker.service');
  if (before === undefined || !inForce) return { restart: ['docker.service'] };
  const parse = (json: string): DaemonConfig => parseDaemonJson(json, { file: DAEMON_JSON }).config;
  switch (daemonJsonChange(parse(before), parse(text)).needs) {
    case 'restart':
      return { restart: ['docker.service'] };
    case 'reload':
      return { reload: ['docker.service'] };
    case 'nothing':
      return {};
  }
}

/** Between what lies there and what is to; without passwords, for it is shown and logged. */
function diffOf({ survey }: HostContext, text: string): string {
  const before = survey.contents.get(DAEMON_JSON);
  if (before === undefined) return '';
  const names = { before: `${DAEMON_JSON} (now)`, after: `${DAEMON_JSON} (then)` };
  return unifiedDiff(withoutSecrets(before), withoutSecrets(text), names);
}

/** A mode that the operator chose stays. */
function modeOf({ survey }: HostContext): string {
  const now = survey.paths.get(DAEMON_JSON);
  return now?.kind === 'file' ? now.mode : '0644';
}
