/**
 * What a real host answers, kept on a tape. `record` runs airferry's own action with every command and its answer
 * written down; `Tape` gives the answers again, to whoever asks in the same words.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { hostInstall } from '../../src/actions/host-install.ts';
import { Connection } from '../../src/host/connection.ts';
import { hostTarget } from '../../src/host/target.ts';
import type { ScriptedReply } from '../support/ssh-server.ts';

interface Recorded {
  command: string;
  stdout: string;
  stderr: string;
  status: number;
}

export interface RecordRequest {
  bundle: string;
  address: string;
  identity: string;
  knownHosts: string;
  /** Where the tape goes. */
  tape: string;
}

/** Words in a command that are other ones in each run: tokens, times, who asks. */
const FLEETING: readonly [RegExp, string][] = [
  [/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'UUID'],
  [/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[\d.]*Z/g, 'TIME'],
  [/"(operator|machine|pid)":(?:"[^"]*"|\d+)/g, '"$1":0'],
];

function lasting(command: string): string {
  return FLEETING.reduce((text, [pattern, word]) => text.replaceAll(pattern, word), command);
}

export class Tape {
  readonly #answers: Map<string, Recorded>;
  readonly #name: string;

  /** The tape of a host that now goes by another name. */
  constructor(recorded: readonly Recorded[], name: string) {
    this.#answers = new Map(recorded.map(one => [one.command, one]));
    this.#name = name;
  }

  static read(file: string): Recorded[] {
    return JSON.parse(readFileSync(file, 'utf8')) as Recorded[];
  }

  answer(command: string): ScriptedReply {
    const found = this.#answers.get(lasting(command));
    if (!found) return { status: 99, stderr: `not on the tape: ${command.slice(0, 300)}` };
    const { stdout, stderr, status } = found;
    const now = `now=${(Date.now() / 1000).toFixed(9)}`;
    const own = stdout.replace(/^hostname=.*$/m, `hostname=${this.#name}`).replace(/^now=.*$/m, now);
    return { stdout: own, stderr, status };
  }
}

/** Install on a host where nothing is left to do, as root, and write down what it answers. */
async function record({ bundle, address, identity, knownHosts, tape }: RecordRequest): Promise<void> {
  const recorded: Recorded[] = [];
  const { exec } = Connection.prototype;
  Connection.prototype.exec = async function (command, options) {
    const result = await exec.call(this, command, options);
    const { stderr, status } = result;
    recorded.push({ command: lasting(command), stdout: result.stdout.toString('utf8'), stderr, status });
    return result;
  };
  const target = hostTarget({ name: 'h1', address, user: 'root', identities: [identity] }, {});
  const { hosts } = await hostInstall({
    bundle,
    fleet: { members: [{ target }] },
    knownHosts: { files: [knownHosts], acceptNew: false },
  });
  const [host] = hosts;
  if (host?.outcome !== 'unchanged')
    throw new Error(`the host was not as it should be: ${JSON.stringify(host)}`);
  writeFileSync(tape, JSON.stringify(recorded));
}

if (process.argv[2] === 'record') await record(JSON.parse(readFileSync(0, 'utf8')) as RecordRequest);
