/** Private keys that want a passphrase before anybody can log in with them. */
import { readFileSync } from 'node:fs';
import ssh2 from 'ssh2';
import { DEFAULT_IDENTITIES } from './auth.ts';
import { agentBlobs, publicKeys } from './chosen-keys.ts';
import { expandHome, type HostTarget } from './target.ts';

/**
 * The files, as absolute paths and each once, that some target or bastion would log in with, that are encrypted, and
 * whose passphrase is not known. Not those of which an agent holds the key, and OpenSSH's default ones only where there
 * is nothing else to log in with.
 */
export async function encryptedKeys(targets: readonly HostTarget[]): Promise<string[]> {
  const all = targets.flatMap(target => [target, ...target.bastions]).filter(({ local }) => !local);
  const agents = new Map<string, Buffer[]>();
  const found = new Set<string>();
  const seen = new Set<string>();
  for (const { identities, agent, password, passphrase, passphrases } of all) {
    if (passphrase) continue;
    const files = identities.length > 0 ? identities : agent || password ? [] : DEFAULT_IDENTITIES;
    for (const file of files.map(expandHome)) {
      if (passphrases?.has(file) || seen.has(`${agent} ${file}`)) continue;
      seen.add(`${agent} ${file}`);
      if (!isEncrypted(file)) continue;
      const held = agent ? (agents.get(agent) ?? (await agentBlobs(agent))) : [];
      if (agent) agents.set(agent, held);
      if (!publicKeys(file).some(blob => held.some(other => other.equals(blob)))) found.add(file);
    }
  }
  return [...found];
}

function isEncrypted(file: string): boolean {
  try {
    const parsed: unknown = ssh2.utils.parseKey(readFileSync(file));
    return parsed instanceof Error && /passphrase|encrypted/i.test(parsed.message);
  } catch {
    return false;
  }
}

/** Whether a passphrase opens a private key file. */
export function opens(file: string, passphrase: string): boolean {
  try {
    const parsed: unknown = ssh2.utils.parseKey(readFileSync(file), passphrase);
    return !(parsed instanceof Error);
  } catch {
    return false;
  }
}
