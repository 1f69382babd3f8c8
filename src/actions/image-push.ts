/** `image push`: fill a registry, names rewritten on the way. */
import { parseRegistryAddress } from '../content/reference.ts';
import { AirferryError } from '../errors.ts';
import { parseLocation, type RegistryLocation } from '../transports/location.ts';
import type { ImagesCopied } from './copied.ts';
import { copyImages, type ImageCopyOptions } from './image-copy.ts';
import { sourceLocation } from './image-words.ts';

export interface ImagePushOptions extends Omit<ImageCopyOptions, 'sources' | 'target'> {
  /** Files, folders, or images of the local engine. */
  sources: readonly string[];
  /** `hub.company.com`, `10.0.0.5:5000`, `hub.company.com/team`: what names begin with there. */
  registry: string;
}

/** Push images. Throws what `copyImages` throws. */
export async function pushImages({ sources, registry, ...options }: ImagePushOptions): Promise<ImagesCopied> {
  return copyImages({
    ...options,
    sources: sources.map(word => sourceLocation(word, 'docker-daemon')),
    target: registryTarget(registry),
  });
}

/** A registry, or a part of it that names are put below. Throws REFERENCE_INVALID. */
function registryTarget(text: string): RegistryLocation {
  const bare = text.replace(/^docker:\/\//, '').replace(/\/$/, '');
  const web = /^(https?):\/\/(.+)$/.exec(bare);
  if (web) {
    const plain = web[1] === 'http' ? ' --plain-http' : '';
    throw new AirferryError('REFERENCE_INVALID', `"${text}" is a web address, not that of a registry`, {
      suggestions: [`Write ${web[2]}${plain}, without ${web[1]}://.`],
    });
  }
  const [registry = '', ...path] = bare.split('/');
  parseRegistryAddress(registry);
  const location = parseLocation(`docker://${registry}/${path.length > 0 ? `${path.join('/')}/` : ''}`);
  return location as RegistryLocation;
}
