/** One request: what it asks for, whether that may be, and the answer. */
import { isWritable, type RegistryContent } from './content.ts';
import { deleteBlob, deleteManifest } from './delete.ts';
import { sendCatalog, sendReferrers, sendTags } from './discovery.ts';
import type { Exchange } from './exchange.ts';
import { meantRepository } from './namespace.ts';
import { sendBlob, sendManifest } from './pull.ts';
import { putManifest } from './push-manifest.ts';
import { Refusal } from './refusal.ts';
import { type Route, routeOf } from './route.ts';
import type { Sending } from './sending.ts';
import type { Uploading } from './uploading.ts';

/** What one server works with. */
export interface Service {
  content: RegistryContent;
  sending: Sending;
  uploading: Uploading;
}

type Steps = Record<string, () => Promise<void> | void>;

/** Answer a request. Throws a `Refusal`, or what went wrong on the way. */
export async function handle(service: Service, exchange: Exchange): Promise<void> {
  const route = routeOf(exchange.path);
  const steps = { ...readingSteps(service, exchange, route), ...writingSteps(service, exchange, route) };
  const step = steps[exchange.method === 'HEAD' ? 'GET' : exchange.method];
  if (!step) {
    const allowed = Object.keys(steps).flatMap(method => (method === 'GET' ? ['GET', 'HEAD'] : [method]));
    const writable = isWritable(service.content);
    const why = writable ? 'the endpoint knows no such method' : 'this registry is read-only';
    throw new Refusal('UNSUPPORTED', why, { headers: { allow: allowed.join(', ') } });
  }
  await step();
}

function readingSteps({ content, sending }: Service, exchange: Exchange, route: Route): Steps {
  const meant = (repository: string) => meantRepository(content, repository, exchange.query);
  switch (route.kind) {
    case 'base':
      return { GET: () => exchange.json(200, {}, {}) };
    case 'catalog':
      return { GET: () => sendCatalog(content, exchange) };
    case 'tags':
      return { GET: () => sendTags(content, exchange, route.repository) };
    case 'manifest':
      return {
        GET: async () => sendManifest(content, exchange, await meant(route.repository), route.reference),
      };
    case 'blob':
      return {
        GET: async () => sendBlob(content, sending, exchange, await meant(route.repository), route.digest),
      };
    case 'referrers':
      return {
        GET: async () => sendReferrers(content, exchange, await meant(route.repository), route.digest),
      };
    default:
      return {};
  }
}

function writingSteps({ content, uploading }: Service, exchange: Exchange, route: Route): Steps {
  if (!isWritable(content)) return {};
  switch (route.kind) {
    case 'manifest':
      return {
        PUT: () => putManifest(content, exchange, route),
        DELETE: () => deleteManifest(content, exchange, route),
      };
    case 'blob':
      return { DELETE: () => deleteBlob(content, exchange, route) };
    case 'uploads':
      return { POST: () => uploading.start(content, exchange, route.repository) };
    case 'upload':
      return {
        GET: () => uploading.status(content, exchange, route),
        PATCH: () => uploading.append(content, exchange, route),
        PUT: () => uploading.finish(content, exchange, route),
        DELETE: () => uploading.cancel(content, exchange, route),
      };
    default:
      return {};
  }
}
