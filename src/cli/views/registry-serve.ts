/** `registry serve`: where it listens, what to pull from it, and a line for each request. */
import type { RegistryServing } from '../../actions/registry-serve.ts';
import type { ServedRequest } from '../../registry/server/server.ts';
import { formatBytes, formatDuration, plural } from '../../support/format.ts';
import type { Look } from '../terminal.ts';
import { clean } from '../text.ts';

/** Examples to show; more would hide the address. */
const EXAMPLES = 3;

export function servingView(serving: RegistryServing, { paint }: Look): string[] {
  const { url, content, writable, repositories } = serving;
  const tags = repositories.flatMap(({ name, tags }) => tags.map(tag => `${name}:${tag}`));
  const count = `${plural(repositories.length, 'repository', 'repositories')}, ${plural(tags.length, 'tag')}`;
  const how = writable ? 'to pull from and push to' : 'to pull from';
  return [
    `${paint.bold(url)} serves ${clean(content)}, ${how}: ${count}`,
    ...examples(serving, tags).map(line => `  ${clean(line)}`),
    ...hints(serving).map(paint.dim),
    'Ctrl-C ends it.',
  ];
}

function examples({ registry, url, writable, login }: RegistryServing, tags: readonly string[]): string[] {
  const rest = tags.length - EXAMPLES;
  return [
    ...(login ? [`docker login ${registry}`] : []),
    ...(writable ? [`docker push ${registry}/team/app:1.0`] : []),
    ...tags.slice(0, EXAMPLES).map(tag => `docker pull ${registry}/${tag}`),
    ...(rest > 0 ? [`and ${rest} more: curl ${login ? '-u NAME ' : ''}${url}/v2/_catalog`] : []),
  ];
}

function hints({ registry, loopback, tls }: RegistryServing): string[] {
  if (loopback || tls) return [];
  return [`It speaks plain HTTP: engines need ${registry} among "insecure-registries" in their daemon.json.`];
}

/** `GET /v2/nginx/manifests/1.25 200 1.6 kB 2 ms` */
export function requestLine({ method, path, status, sent, received, ms }: ServedRequest): string {
  const bytes = formatBytes(Math.max(sent, received));
  return `${method} ${clean(path)} ${status ?? 'broken off'} ${bytes} ${formatDuration(ms)}`;
}
