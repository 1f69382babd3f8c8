/** What `init` asks on a terminal: only what no flag has said, each with an answer that Enter takes. */
import type { InitOptions } from '../actions/init.ts';
import { answer } from './prompts.ts';

/** The answers that may be asked for. */
export type Answers = Pick<
  InitOptions,
  | 'name'
  | 'version'
  | 'platforms'
  | 'engine'
  | 'composeVersion'
  | 'template'
  | 'registry'
  | 'registryIp'
  | 'images'
  | 'hosts'
>;

export type Ask = (title: string) => Promise<string>;

/** What is taken where nothing is said; `engine` and `composeVersion` are what airferry was last tried with. */
export const DEFAULTS = {
  name: 'site',
  version: '1',
  platforms: ['linux/amd64'],
  engine: '28.5.2',
  composeVersion: '2.40.3',
  template: 'default',
} as const;

/** Ask for what `given` leaves open. `none` (or `-`) leaves a thing out that has a default. */
export async function askForRest(
  given: Partial<Answers>,
  ask: Ask = title => answer(title, { secret: false }),
): Promise<Answers> {
  const one = async (title: string, fallback: string): Promise<string> =>
    (await ask(`${title}${fallback === '' ? ' (Enter for none)' : ` [${fallback}]`}:`)).trim() || fallback;
  const many = async (title: string, fallback: readonly string[]): Promise<string[]> =>
    words(await one(title, fallback.join(' ')));
  const name = given.name ?? (await one('Name of the bundle', DEFAULTS.name));
  const version = given.version ?? (await one('Its version', DEFAULTS.version));
  const platforms = given.platforms ?? (await many('Platforms of the hosts', DEFAULTS.platforms));
  const engine = optional(
    given.engine ?? (await one('Version of the engine (none for none)', DEFAULTS.engine)),
  );
  const composeVersion = optional(
    given.composeVersion ?? (await one('Version of compose (none for none)', DEFAULTS.composeVersion)),
  );
  const template =
    given.template ??
    (engine === undefined ? DEFAULTS.template : await one('Template of daemon.json', DEFAULTS.template));
  const images = given.images ?? (await many('Images, as nginx:1.25', []));
  const hosts = given.hosts ?? (await many('Hosts, as ops@10.77.0.11', []));
  const registry = optional(given.registry ?? (await one("The site's registry, as hub.company.com", '')));
  const registryIp =
    registry === undefined
      ? undefined
      : optional(given.registryIp ?? (await one('Its IP address for /etc/hosts', '')));
  return {
    ...{ name, version, platforms, template, images, hosts },
    ...defined({ engine, composeVersion, registry, registryIp }),
  };
}

/** The same without asking. */
export function withDefaults(given: Partial<Answers>): Answers {
  const {
    engine = DEFAULTS.engine,
    composeVersion = DEFAULTS.composeVersion,
    registry,
    registryIp,
    ...rest
  } = given;
  const answers = { ...DEFAULTS, images: [], hosts: [], ...rest };
  const { engine: _, composeVersion: __, ...others } = answers;
  return {
    ...others,
    ...defined({
      engine: optional(engine),
      composeVersion: optional(composeVersion),
      registry: optional(registry ?? ''),
      registryIp: optional(registryIp ?? ''),
    }),
  };
}

function optional(text: string): string | undefined {
  return text === '' || text === 'none' || text === '-' ? undefined : text;
}

function words(text: string): string[] {
  return text.split(/[\s,]+/).filter(word => word !== '');
}

function defined<T extends Record<string, string | undefined>>(values: T): { [K in keyof T]?: string } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: string;
  };
}
