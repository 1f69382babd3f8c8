/** `image save`: images of engines or registries into a file. */
import { AirferryError } from '../errors.ts';
import { type FileTransport, formatLocation, type Location } from '../transports/location.ts';
import { type ReachOptions, resolveFleet } from './fleet.ts';

type HostChoice = Pick<ReachOptions, 'hosts' | 'fleetFile'>;

/**
 * What `image save` reads. Without hosts a bare name is an image of the local engine, and no name means all of them;
 * with hosts every name, or all images, of each host's engine. Throws USAGE for a place beside hosts.
 */
export async function savedFrom(locations: readonly Location[], hosts: HostChoice): Promise<Location[]> {
  if (!hosts.hosts?.length && hosts.fleetFile === undefined)
    return locations.length > 0 ? [...locations] : [{ transport: 'docker-daemon' }];
  const elsewhere = locations.find(({ transport }) => transport !== 'docker-daemon');
  if (elsewhere !== undefined) {
    throw new AirferryError('USAGE', `${formatLocation(elsewhere)} is not an image of a host's engine`, {
      suggestions: ['Save it on its own, or leave out --host and --fleet.'],
    });
  }
  return (await namesOf(hosts)).flatMap(host => onHost(host, locations));
}

/** What each host is called: as it was given, else by its name in the fleet file. */
async function namesOf({ hosts = [], fleetFile }: HostChoice): Promise<readonly string[]> {
  if (hosts.length > 0) return hosts;
  const { members } = await resolveFleet({ fleetFile });
  return members.map(({ target }) => target.name);
}

function onHost(host: string, locations: readonly Location[]): Location[] {
  const engine = `ssh://${host}`;
  if (locations.length === 0) return [{ transport: 'docker-daemon', engine }];
  return locations.map(location => ({ ...location, transport: 'docker-daemon', engine }));
}

/** Where `image save` writes. Throws USAGE for a format beside a place that says it. */
export function savedTo(output: string, format: FileTransport | undefined): Location {
  const named = /^(?:docker-archive|oci|oci-archive|bundle):/.test(output);
  if (!named) return { transport: format ?? 'docker-archive', path: output };
  if (format) {
    throw new AirferryError('USAGE', `--format ${format} and "${output}" both say what is to be written`, {
      suggestions: ['Leave out --format.'],
    });
  }
  const [transport, ...rest] = output.split(':');
  return { transport: transport as FileTransport, path: rest.join(':') };
}
