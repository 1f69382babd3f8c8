/** Whether an engine has taken its daemon.json over, as far as `docker info` shows. Pure. */
import { isObject } from '../support/is-object.ts';
import type { DaemonConfig } from './daemon-json.ts';

/** The keys of daemon.json that `docker info` tells otherwise; empty when all that can be seen are in force. */
export function settingsNotTaken(config: DaemonConfig, info: Record<string, unknown>): string[] {
  return Object.entries(SEEN).flatMap(([key, isTaken]) =>
    config[key] === undefined || isTaken(config[key], info) ? [] : [key],
  );
}

const SEEN: Record<string, (value: unknown, info: Record<string, unknown>) => boolean> = {
  labels: (value, { Labels }) => texts(value).every(label => texts(Labels).includes(label)),
  debug: (value, { Debug }) => value === Debug,
  'live-restore': (value, { LiveRestoreEnabled }) => value === LiveRestoreEnabled,
  'default-runtime': (value, { DefaultRuntime }) => value === DefaultRuntime,
  runtimes: (value, { Runtimes }) =>
    Object.keys(object(value)).every(name => Object.hasOwn(object(Runtimes), name)),
  'registry-mirrors': (value, { RegistryConfig }) => {
    const known = texts(object(RegistryConfig).Mirrors).map(withSlash);
    return texts(value).every(mirror => known.includes(withSlash(mirror)));
  },
  'insecure-registries': (value, { RegistryConfig }) => {
    const { IndexConfigs, InsecureRegistryCIDRs } = object(RegistryConfig);
    const known = object(IndexConfigs);
    const networks = texts(InsecureRegistryCIDRs);
    return texts(value).every(
      address => networks.includes(address) || object(known[hostOf(address)]).Secure === false,
    );
  },
};

function object(value: unknown): Record<string, unknown> {
  return isObject(value) ? value : {};
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter(item => typeof item === 'string') : [];
}

function withSlash(url: string): string {
  return url.endsWith('/') ? url : `${url}/`;
}

/** Engines drop a scheme that somebody wrote there. */
function hostOf(address: string): string {
  return address.replace(/^https?:\/\//, '');
}
