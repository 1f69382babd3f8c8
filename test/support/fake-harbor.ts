/** Harbor's own interface on top of the fake registry, as far as pushes meet it. */
import type { FakeRegistry, Fault } from './fake-registry.ts';
import { errorBody, status } from './fake-registry.ts';

export interface FakeProject {
  /** More than 0 for a proxy cache. */
  registryId?: number;
  /** Bytes; -1 is no limit. */
  hard?: number;
  used?: number;
  repositories?: string[];
  /** What this login is answered instead of the project. */
  refusal?: number;
}

export interface FakeHarbor {
  projects: Map<string, FakeProject>;
  readOnly: boolean;
  /** What creating a project is answered instead of doing it. */
  refuseCreation?: number;
  /** Only `ping` answers, as behind strict proxies. */
  pingOnly?: boolean;
}

/** Make a fake registry a Harbor. */
export function asHarbor(registry: FakeRegistry, projects: Record<string, FakeProject> = {}): FakeHarbor {
  const harbor: FakeHarbor = { projects: new Map(Object.entries(projects)), readOnly: false };
  const answer: Fault = async (exchange, proceed) => {
    const { seen, req } = exchange;
    const say = (code: number, body: unknown) => status(code, body)(exchange, proceed);
    const path = seen.path.replace('/api/v2.0/', '');
    if (path === 'ping') return say(200, 'Pong');
    if (path === 'systeminfo') {
      if (harbor.pingOnly) return say(404, '');
      return say(200, { auth_mode: 'db_auth', read_only: harbor.readOnly });
    }
    if (path === 'projects' && seen.method === 'POST') {
      let text = '';
      for await (const chunk of req) text += chunk;
      const name: string = JSON.parse(text).project_name;
      if (harbor.refuseCreation) return say(harbor.refuseCreation, errorBody('FORBIDDEN', 'not allowed'));
      if (harbor.projects.has(name)) return say(409, errorBody('CONFLICT', 'exists'));
      harbor.projects.set(name, {});
      return say(201, '');
    }
    const page = Number(new URLSearchParams(seen.query).get('page'));
    const listed = (names: string[]) =>
      say(
        200,
        names.slice((page - 1) * 100, page * 100).map(name => ({ name })),
      );
    if (path === 'repositories')
      return listed([...harbor.projects.values()].flatMap(p => p.repositories ?? []));
    const [, name = '', part] = path.split('/');
    const project = harbor.projects.get(decodeURIComponent(name));
    if (!project) return say(404, errorBody('NOT_FOUND', `project ${name} not found`));
    if (project.refusal) return say(project.refusal, errorBody('FORBIDDEN', 'forbidden'));
    if (part === 'repositories') return listed(project.repositories ?? []);
    if (part === 'summary') {
      const { hard = -1, used = 0 } = project;
      return say(200, { repo_count: 1, quota: { hard: { storage: hard }, used: { storage: used } } });
    }
    return say(200, { name, registry_id: project.registryId ?? null });
  };
  for (const method of ['GET', 'POST'])
    registry.fault(method, /^\/api\/v2\.0\//, answer, Number.POSITIVE_INFINITY);
  return harbor;
}
