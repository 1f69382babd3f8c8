/** Harbor, before a push: projects are there, or are made; quotas have room for what is missing. */
import type { Descriptor } from '../content/descriptor.ts';
import type { Digest } from '../content/digest.ts';
import { isAirferryError } from '../errors.ts';
import type { RegistryClient } from '../registry/client.ts';
import { type Harbor, projectOf } from '../registry/harbor.ts';
import type { Arrival } from './target.ts';

/** Below this many bytes it is not worth asking whether the registry is a Harbor, and how full. */
const WORTH_ASKING = 64 * 1024 * 1024;

/** The blobs that a project is to get, each with the repositories that want it. */
type Blobs = Map<Digest, { blob: Descriptor; repositories: Set<string> }>;

interface Wanted {
  blobs: Blobs;
  /** Bytes of layers whose size in the registry nobody knows yet. */
  plain: number;
}

/**
 * Prepare for blobs that are about to be put. Nothing happens where the registry is no Harbor, or little is to be sent and
 * no project to be made. Throws REGISTRY_NOT_FOUND for a project that is missing, REGISTRY_DENIED for one without room.
 */
export async function prepareHarbor(
  client: RegistryClient,
  arrivals: readonly Arrival[],
  { createProjects }: { createProjects: boolean },
): Promise<void> {
  const projects = byProject(arrivals);
  const bytes = [...projects.values()].reduce((sum, wanted) => sum + bytesOf(wanted) + wanted.plain, 0);
  if (projects.size === 0 || (bytes < WORTH_ASKING && !createProjects)) return;
  const harbor = await client.harbor();
  if (!harbor) return;
  for (const [project, wanted] of projects) await prepare(client, harbor, project, wanted, createProjects);
}

/** What there seems to be no room for may be there already: only then each blob is asked for. */
async function prepare(
  client: RegistryClient,
  harbor: Harbor,
  project: string,
  wanted: Wanted,
  create: boolean,
): Promise<void> {
  try {
    await harbor.prepare(project, { create, bytes: bytesOf(wanted), more: wanted.plain > 0 });
  } catch (error) {
    if (!isAirferryError(error, 'REGISTRY_DENIED')) throw error;
    let there = false;
    for (const [digest, { blob, repositories }] of wanted.blobs) {
      for (const repository of repositories) {
        if (!wanted.blobs.has(digest) || !(await client.headBlob(repository, blob))) continue;
        wanted.blobs.delete(digest);
        there = true;
      }
    }
    if (!there) throw error;
    await harbor.prepare(project, { create, bytes: bytesOf(wanted), more: wanted.plain > 0 });
  }
}

function byProject(arrivals: readonly Arrival[]): Map<string, Wanted> {
  const projects = new Map<string, Wanted>();
  for (const { descriptor, plain = 0, homes } of arrivals) {
    for (const { repository } of homes) {
      const project = projectOf(repository);
      const wanted: Wanted = projects.get(project) ?? { blobs: new Map(), plain: 0 };
      projects.set(project, wanted);
      wanted.plain += plain;
      if (!descriptor) continue;
      const known = wanted.blobs.get(descriptor.digest);
      if (known) known.repositories.add(repository);
      else wanted.blobs.set(descriptor.digest, { blob: descriptor, repositories: new Set([repository]) });
    }
  }
  return projects;
}

function bytesOf({ blobs }: Wanted): number {
  return [...blobs.values()].reduce((sum, { blob }) => sum + blob.size, 0);
}
