/** An SSH agent of which only some keys are used: `IdentitiesOnly` of ssh_config(5). */
import { readFileSync } from 'node:fs';
import ssh2, { type BaseAgent, type IdentityCallback } from 'ssh2';

/** What an agent knows a key by, in any of ssh2's forms. */
type Key = Parameters<BaseAgent['sign']>[0];

/** The agent's keys whose public halves lie beside the private key files, as `FILE.pub`. */
export class ChosenKeys extends ssh2.BaseAgent {
  readonly #agent: BaseAgent;
  readonly #blobs: Buffer[];

  constructor(socket: string, files: readonly string[]) {
    super();
    this.#agent = ssh2.createAgent(socket) as BaseAgent;
    this.#blobs = files.flatMap(publicKeys);
  }

  override getIdentities(done: IdentityCallback): void {
    this.#agent.getIdentities((error, keys) => {
      if (error) return void done(error);
      done(
        undefined,
        keys?.filter(key => this.#isChosen(key as Key)),
      );
    });
  }

  override sign(key: Key, data: Buffer, ...rest: [never, never?]): void {
    this.#agent.sign(key, data, ...rest);
  }

  #isChosen(key: Key): boolean {
    const blob = blobOf(key);
    return blob !== undefined && this.#blobs.some(chosen => chosen.equals(blob));
  }
}

/** The keys that an agent holds, as blobs; none where no agent answers. */
export function agentBlobs(socket: string): Promise<Buffer[]> {
  return new Promise(resolve => {
    (ssh2.createAgent(socket) as BaseAgent).getIdentities((_, keys = []) =>
      resolve(keys.flatMap(key => blobOf(key as Key) ?? [])),
    );
  });
}

function blobOf(key: Key): Buffer | undefined {
  const parsed = typeof key === 'string' || Buffer.isBuffer(key) ? ssh2.utils.parseKey(key) : key;
  return parsed instanceof Error ? undefined : parsed.getPublicSSH();
}

/** The public half of a private key file, which lies beside it as `FILE.pub`; none where it does not. */
export function publicKeys(file: string): Buffer[] {
  try {
    const parsed = ssh2.utils.parseKey(readFileSync(`${file.replace(/\.pub$/, '')}.pub`));
    return parsed instanceof Error ? [] : [parsed].flat().map(key => key.getPublicSSH());
  } catch {
    return [];
  }
}
