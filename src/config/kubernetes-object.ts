/** The images that one Kubernetes object names, wherever in it a pod is described. */
import { isObject } from '../support/is-object.ts';
import type { Path } from './problem.ts';

export interface NamedImage {
  /** As written; anything, since nobody has checked it. */
  image: unknown;
  /** Of the image's value in the document. */
  path: Path;
  /** The container, or what else it is for. */
  container: string;
  /** The innermost object around it that has a kind, as `Deployment/web`. */
  object: string;
}

/** Lists whose items are containers: those of pods, and what Tekton and Argo make into containers of pods. */
const CONTAINER_LISTS = ['containers', 'initContainers', 'ephemeralContainers', 'steps', 'sidecars'];
const CONTAINERS = ['container', 'script'];
/** Operators name the images that they will start in such variables: a convention of OLM. */
const RELATED = /^RELATED_IMAGE_/;
/** A name that is meant as an image for sure: with a tag or a digest. */
const WITH_TAG = /^[^\s:@]+(?::\d+\/[^\s:@]+)?(?::[\w][\w.-]*)?(?:@sha\d+:[0-9a-f]+)?$/;
/** Groups whose objects have images in pods alone; every other one belongs to a custom resource. */
const BUILT_IN = /^(?:v\d\w*|(?:apps|batch|extensions|policy|autoscaling|[a-z0-9.-]*\.k8s\.io)\/\w+)$/;

interface Around {
  object: string;
  /** Whether the object is of a kind that Kubernetes itself does not know. */
  custom: boolean;
}

/** Whether a value is an object of Kubernetes, or a list of them: it has both `apiVersion` and `kind`. */
export function isKubernetesObject(value: unknown): value is Record<string, unknown> {
  return isObject(value) && typeof value.apiVersion === 'string' && typeof value.kind === 'string';
}

/** The images that an object names, in its order. What has the shape of a pod counts, of whatever kind the object is. */
export function namedImages(value: unknown): NamedImage[] {
  const found = new Map<string, NamedImage>();
  visit(value, [], { object: '', custom: false }, image => {
    const key = image.path.join('\0');
    if (!found.has(key)) found.set(key, image);
  });
  return [...found.values()];
}

type Take = (image: NamedImage) => void;

function visit(value: unknown, path: Path, outside: Around, take: Take): void {
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) visit(item, [...path, index], outside, take);
    return;
  }
  if (!isObject(value)) return;
  const around = isKubernetesObject(value) ? described(value) : outside;
  for (const [key, inner] of Object.entries(value)) {
    const place = [...path, key];
    if (CONTAINER_LISTS.includes(key) && Array.isArray(inner)) {
      for (const [index, item] of inner.entries()) container(item, [...place, index], around, take);
    } else if (CONTAINERS.includes(key)) container(inner, place, around, take);
    else if (key === 'volumes' && Array.isArray(inner)) {
      for (const [index, item] of inner.entries()) imageVolume(item, [...place, index], around, take);
    } else if (key === 'image' && around.custom && typeof inner === 'string' && isMeant(inner))
      take({ image: inner, path: place, container: '', object: around.object });
    visit(inner, place, around, take);
  }
}

function container(item: unknown, path: Path, { object }: Around, take: Take): void {
  if (!isObject(item)) return;
  const name = typeof item.name === 'string' ? item.name : '';
  if (Object.hasOwn(item, 'image'))
    take({ image: item.image, path: [...path, 'image'], container: name, object });
  if (!Array.isArray(item.env)) return;
  for (const [index, variable] of item.env.entries()) {
    if (!isObject(variable) || typeof variable.name !== 'string' || typeof variable.value !== 'string')
      continue;
    if (RELATED.test(variable.name) && variable.value !== '')
      take({
        image: variable.value,
        path: [...path, 'env', index, 'value'],
        container: variable.name,
        object,
      });
  }
}

function imageVolume(item: unknown, path: Path, { object }: Around, take: Take): void {
  if (!isObject(item) || !isObject(item.image)) return;
  const name = typeof item.name === 'string' ? item.name : '';
  take({ image: item.image.reference, path: [...path, 'image', 'reference'], container: name, object });
}

function described(value: Record<string, unknown>): Around {
  const name = isObject(value.metadata) && typeof value.metadata.name === 'string' ? value.metadata.name : '';
  return {
    object: name === '' ? String(value.kind) : `${value.kind}/${name}`,
    custom: !BUILT_IN.test(String(value.apiVersion)),
  };
}

function isMeant(image: string): boolean {
  return WITH_TAG.test(image) && /[:@][^/]*$/.test(image);
}
