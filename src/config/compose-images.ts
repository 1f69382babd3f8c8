/** The images of services: their names checked, and what cannot be fetched said. */
import { formatPlatform, parsePlatform } from '../content/platform.ts';
import { parseReference, type Reference } from '../content/reference.ts';
import { isAirferryError, type Where } from '../errors.ts';
import type { Services } from './compose-file.ts';
import type { Written } from './compose-scope.ts';
import type { ServicePart } from './compose-service.ts';
import { type Problem, printable, problemsError } from './problem.ts';

export interface ComposeImage {
  reference: Reference;
  service: string;
  /** `os/architecture[/variant]`, where the service names one. */
  platform?: string;
  /** `always`, `missing`, `never`, `build` …, as the service says. */
  pullPolicy?: string;
  /** The service can be built where its files are: the image may be in no registry. */
  built: boolean;
  where: Where;
}

interface Found {
  images: ComposeImage[];
  /** Whole sentences. */
  warnings: string[];
}

/**
 * The images of services, one for each service that has one and for each that a service mounts.
 * Throws COMPOSE_FILE_INVALID with all names of the first file that has bad ones.
 */
export function composeImages(services: Services): Found {
  const images: ComposeImage[] = [];
  const warnings = new Set<string>();
  const problems = new Map<string, Problem[]>();
  const add = (file: string, problem: Problem): void => {
    problems.set(file, [...(problems.get(file) ?? []), problem]);
  };
  for (const [service, part] of services) {
    const { image, mounts } = part;
    if (image && !(image.text.trim() === '' && part.build)) take(service, part, image);
    else if (part.build) warnings.add(builtHere(service));
    else
      add(part.file, {
        message: `the service ${printable(service)} has neither image nor build`,
        at: part.at,
        suggestions: [JOIN],
      });
    for (const mount of mounts.items)
      take(service, { ...part, build: undefined, pullPolicy: undefined }, mount.image);
  }
  const [first] = problems;
  if (first !== undefined) throw problemsError(first[1], { file: first[0], code: 'COMPOSE_FILE_INVALID' });
  return { images, warnings: [...warnings] };

  function take(service: string, part: ServicePart, image: Written): void {
    const { platform, pullPolicy, build } = part;
    const reference = checked(image, parseReference, service);
    const wanted = platform
      ? checked(platform, text => formatPlatform(parsePlatform(text)), service)
      : undefined;
    if (reference === undefined || (platform && wanted === undefined)) return;
    for (const name of image.unset)
      warnings.add(
        `The variable ${printable(name)} is not set: the image of ${printable(service)} is ${printable(image.text)}.`,
      );
    images.push({
      reference,
      service,
      ...(wanted !== undefined && { platform: wanted }),
      ...(pullPolicy && { pullPolicy: pullPolicy.text }),
      built: build === true,
      where: { file: image.file, ...image.at },
    });
  }

  /** What a parser makes of a text; a problem, and undefined, where it refuses. */
  function checked<T>(written: Written, parse: (text: string) => T, service: string): T | undefined {
    const { text, unset, file, at } = written;
    try {
      return parse(text.trim());
    } catch (error) {
      if (!isAirferryError(error)) throw error;
      const names = unset.map(printable).join(', ');
      const blank = names === '' ? '' : `, since ${names} ${unset.length === 1 ? 'is' : 'are'} not set`;
      const message =
        text.trim() === ''
          ? `the image of ${printable(service)} is empty${blank}`
          : `${error.message}${blank}`;
      const set = `Set ${names} in the environment, in .env beside the compose file, or in a file for --env-file.`;
      add(file, { message, at, suggestions: names === '' ? error.suggestions : [set] });
      return undefined;
    }
  }
}

const JOIN =
  'If the file only adds to another one, read them together: --compose docker-compose.yml:docker-compose.prod.yml';

function builtHere(service: string): string {
  return `The service ${printable(service)} is built where its files are, and names no image: it cannot be fetched. Build it, give it a name with image:, and save it.`;
}
