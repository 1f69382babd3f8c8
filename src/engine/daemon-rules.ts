/** Is what a daemon.json says sensible? One small rule for each mistake that operators really make. */
import { closest } from '../support/suggest.ts';
import { formFindings } from './daemon-forms.ts';
import { registryFindings } from './daemon-registries.ts';
import { errorFinding, type Finding, warnFinding } from './finding.ts';
import { shown } from './shown.ts';
import { atLeast } from './version.ts';

type Config = Record<string, unknown>;
type Rule = (config: Config, engine: string) => Finding[];

/** Storage drivers of dockerd, and the engine that dropped each. */
const STORAGE_DRIVERS: Record<string, string | undefined> = {
  overlay2: undefined,
  'fuse-overlayfs': undefined,
  btrfs: undefined,
  zfs: undefined,
  vfs: undefined,
  // the containerd image store's names
  overlayfs: undefined,
  native: undefined,
  overlay: '24',
  aufs: '24',
  devicemapper: '25',
};

const PROXIES = ['http-proxy', 'https-proxy', 'no-proxy'];

const LOG_DRIVERS = 'none local json-file journald syslog gelf fluentd awslogs splunk gcplogs'.split(' ');

/**
 * Findings about values. `config` holds only keys that the engine knows and values of the right type (those of
 * `log-opts` and the like still to be looked at).
 */
export function valueFindings(config: Config, engine: string): Finding[] {
  return [
    mapsOfTexts,
    formFindings,
    dataRoot,
    runtime,
    proxies,
    bridge,
    storage,
    logging,
    execOpts,
    remote,
    registryFindings,
    addressPools,
  ].flatMap(rule => rule(config, engine));
}

/** Values of log-opts and its kin must be texts, though they are numbers and truths in everybody's head. */
const mapsOfTexts: Rule = config =>
  ['log-opts', 'proxies', 'cluster-store-opts'].flatMap(key =>
    Object.entries((config[key] ?? {}) as Config)
      .filter(([, value]) => typeof value !== 'string')
      .map(([name, value]) => {
        const finding = errorFinding(
          `${key}/${name}`,
          `the value of ${shown(name)} in "${key}" must be in quotes`,
        );
        const scalar = typeof value === 'number' || typeof value === 'boolean';
        return scalar ? { ...finding, suggestion: `Write \`${shown(name)}: "${value}"\`.` } : finding;
      }),
  );

/** The containerd image store, default of a fresh engine 29, does not follow data-root. */
const dataRoot: Rule = (config, engine) => {
  if (config['data-root'] === undefined || !atLeast(engine, '29') || config['storage-driver'] !== undefined)
    return [];
  return [
    warnFinding(
      'data-root',
      'a fresh engine 29 keeps its images in /var/lib/containerd, whatever "data-root" says',
      'See that the disk of /var/lib suffices, or give `"storage-driver": "overlay2"` to keep them under "data-root".',
    ),
  ];
};

const runtime: Rule = config => {
  const name = config['default-runtime'];
  if (typeof name !== 'string' || name === '' || name === 'runc' || /^io\.containerd\.|^\//.test(name))
    return [];
  const runtimes = Object.keys((config.runtimes ?? {}) as Config);
  if (runtimes.includes(name)) return [];
  const near = closest(name, ['runc', ...runtimes]);
  return [
    errorFinding(
      'default-runtime',
      `"default-runtime" names ${shown(name)}, which "runtimes" does not have`,
      near === undefined ? 'Give it under "runtimes", with its path.' : `Did you mean "${near}"?`,
    ),
  ];
};

const proxies: Rule = config =>
  Object.keys((config.proxies ?? {}) as Config)
    .filter(name => !PROXIES.includes(name))
    .map(name => {
      const near = closest(name, PROXIES);
      const hint = near === undefined ? `Choose one of ${PROXIES.join(', ')}.` : `Did you mean "${near}"?`;
      return errorFinding(`proxies/${name}`, `"proxies" has no key ${shown(name)}`, hint);
    });

const bridge: Rule = config => {
  const bip = config.bip;
  if (typeof bip !== 'string') return [];
  const wrong = bipMistake(bip);
  if (wrong)
    return [
      errorFinding('bip', wrong, 'Write the address of the host on the bridge, such as "172.7.5.1/24".'),
    ];
  if (typeof config.bridge === 'string' && config.bridge !== '')
    return [errorFinding('bip', '"bip" and "bridge" exclude each other', 'Remove one of them.')];
  return [];
};

function bipMistake(bip: string): string | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})(?:\/(\d{1,2}))?$/.exec(bip);
  const octets = (match?.slice(1, 5) ?? []).map(Number);
  if (!match || octets.some(octet => octet > 255))
    return `"bip" is no IPv4 address with a mask: ${shown(bip)}`;
  if (match[5] === undefined) return `"bip" ${bip} lacks the length of its mask`;
  const length = Number(match[5]);
  if (length < 8 || length > 30) return `"bip" ${bip} has a mask that leaves no network of containers`;
  const address = octets.reduce((sum, octet) => sum * 256 + octet, 0);
  const size = 2 ** (32 - length);
  if (address % size === 0) return `"bip" ${bip} is the address of the network, not of a host in it`;
  if (address % size === size - 1) return `"bip" ${bip} is the broadcast address, not that of a host`;
  return undefined;
}

const storage: Rule = (config, engine) => {
  const driver = config['storage-driver'];
  if (typeof driver !== 'string' || driver === '') return [];
  if (!Object.hasOwn(STORAGE_DRIVERS, driver)) {
    const near = closest(driver, Object.keys(STORAGE_DRIVERS));
    return near === undefined
      ? [warnFinding('storage-driver', `no engine brings a storage driver ${shown(driver)}`)]
      : [
          errorFinding(
            'storage-driver',
            `there is no storage driver ${shown(driver)}`,
            `Did you mean "${near}"?`,
          ),
        ];
  }
  const gone = STORAGE_DRIVERS[driver];
  if (gone !== undefined && atLeast(engine, gone))
    return [
      errorFinding(
        'storage-driver',
        `engine ${engine} has no storage driver "${driver}": it is gone since ${gone}`,
        'Use overlay2; images and containers of the old driver are not taken over.',
      ),
    ];
  return [];
};

const logging: Rule = config => {
  const driver = config['log-driver'];
  if (typeof driver !== 'string' || LOG_DRIVERS.includes(driver)) return [];
  const near = closest(driver, LOG_DRIVERS);
  if (near === undefined) return [];
  return [errorFinding('log-driver', `there is no log driver ${shown(driver)}`, `Did you mean "${near}"?`)];
};

const execOpts: Rule = config =>
  strings(config['exec-opts']).flatMap(option => {
    const driver = /^native\.cgroupdriver=(.*)$/.exec(option)?.[1];
    if (driver === 'systemd' || driver === 'cgroupfs') return [];
    if (driver === undefined && option.includes('=')) return [];
    return [
      errorFinding(
        'exec-opts',
        `"exec-opts" cannot be ${shown(option)}`,
        'Write "native.cgroupdriver=systemd" or "native.cgroupdriver=cgroupfs".',
      ),
    ];
  });

/** The API over TCP is root on the host for whoever reaches the port. */
const remote: Rule = (config, engine) => {
  const open = strings(config.hosts).filter(
    host => host.startsWith('tcp://') && !/^tcp:\/\/(?:127\.|localhost\b|\[::1\])/.test(host),
  );
  if (open.length === 0 || config.tlsverify === true) return [];
  const message = `"hosts" opens ${open.map(shown).join(', ')} without "tlsverify": whoever reaches it is root on the host`;
  const suggestion = 'Use "tlsverify": true with certificates, or reach the engine over SSH.';
  const refused = atLeast(engine, '27') && (config.tls === false || config.tlsverify === false);
  return [(refused ? errorFinding : warnFinding)('hosts', message, suggestion)];
};

const addressPools: Rule = config =>
  ((config['default-address-pools'] ?? []) as Config[]).flatMap((pool, index) => {
    const base = /^[0-9a-fA-F.:]+\/(\d{1,3})$/.exec(String(pool.base))?.[1];
    if (base !== undefined && Number.isInteger(pool.size) && Number(pool.size) >= Number(base)) return [];
    return [
      errorFinding(
        'default-address-pools',
        `pool ${index + 1} of "default-address-pools" is not a network and a size`,
        'Write `{"base": "172.80.0.0/16", "size": 24}`.',
      ),
    ];
  });

function strings(value: unknown): string[] {
  return Array.isArray(value) ? (value as string[]) : [];
}
