/** The passphrases of private keys: asked for once for each key, before any host is spoken to. */
import type { FleetMember, SiteFleet } from '../actions/fleet.ts';
import { encryptedKeys, opens } from '../host/encrypted-keys.ts';
import { Secret } from '../host/secret.ts';
import type { HostTarget } from '../host/target.ts';
import type { Output } from './output.ts';
import { answer, canAsk } from './prompts.ts';

const TRIES = 3;

/** The fleet with the passphrases of its keys; as it is where nobody can be asked. */
export async function withPassphrases(
  fleet: SiteFleet,
  out: Output,
  { yes }: { yes: boolean },
): Promise<SiteFleet> {
  if (!canAsk({ yes })) return fleet;
  const files = await encryptedKeys(fleet.members.map(({ target }) => target));
  if (files.length === 0) return fleet;
  const passphrases = new Map<string, Secret>();
  for (const file of files) {
    for (let tries = 0; tries < TRIES && !passphrases.has(file); tries++) {
      const text = await answer(`Passphrase of ${file} (empty: go without this key)`, { secret: true });
      if (!text) break;
      if (opens(file, text)) passphrases.set(file, new Secret(text));
      else out.warn(`that does not open ${file}`);
    }
  }
  const known = (target: HostTarget): HostTarget => ({
    ...target,
    passphrases,
    bastions: target.bastions.map(known),
  });
  const member = (one: FleetMember): FleetMember => ({ ...one, target: known(one.target) });
  return { ...fleet, members: fleet.members.map(member) };
}
