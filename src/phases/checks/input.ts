/** What preflight checks look at. */
import type { GatheredFacts } from '../../host/facts.ts';
import type { HostState } from '../../host/state.ts';
import type { Finding } from '../finding.ts';
import type { SpaceNeeded } from '../space-needed.ts';
import type { Survey } from '../survey.ts';
import type { SiteRegistry, Wanted } from '../wanted.ts';

export interface CheckInput {
  facts: GatheredFacts;
  /** Platforms of the bundle; undefined without one. */
  platforms?: readonly string[];
  /** Undefined without a bundle, and where it has nothing for the host's platform. */
  wanted?: Wanted;
  registry?: SiteRegistry;
  /** What airferry did here before. */
  state?: HostState;
  survey?: Survey;
  /** Where images lie, or will lie. */
  dataRoot: string;
  space?: SpaceNeeded;
  /** An older engine than the one that is there is meant. */
  allowDowngrade?: boolean;
  /** A Docker that is not ours is to be taken over. */
  adopt?: boolean;
}

/** One subject's findings. */
export type Check = (input: CheckInput) => Finding[];

export function ok(id: string, title: string): Finding {
  return { id, level: 'ok', title, why: '', fix: '' };
}
