/**
 * A process full of simulated hosts: SSH servers that answer from a tape. Told over IPC how many, it tells the port and
 * the host key of each, and ends with its parent.
 */
import type { Faults } from '../support/ssh-server.ts';
import { SshServer } from '../support/ssh-server.ts';
import { Tape } from './fleet-tape.ts';

export interface ServersRequest {
  tape: string;
  names: string[];
  /** Public key line that may log in as root. */
  authorizedKey: string;
  /** By name; the others are well. */
  faults: Record<string, Faults>;
}

export interface SimulatedHost {
  name: string;
  port: number;
  knownHostsLine: string;
}

async function serve({ tape, names, authorizedKey, faults }: ServersRequest): Promise<SimulatedHost[]> {
  const recorded = Tape.read(tape);
  const hosts: SimulatedHost[] = [];
  for (const name of names) {
    const answers = new Tape(recorded, name);
    const server = await SshServer.start({
      user: 'root',
      authorizedKeys: [authorizedKey],
      script: command => answers.answer(command),
      ...(faults[name] ? { faults: faults[name] } : {}),
    });
    hosts.push({ name, port: server.port, knownHostsLine: server.knownHostsLine });
  }
  return hosts;
}

process.once('message', async request => process.send?.(await serve(request as ServersRequest)));
process.once('disconnect', () => process.exit(0));
