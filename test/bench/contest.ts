/** Contenders take turns: A B C, A B C, …, so that whatever else the machine does meets all of them alike. */
import { must } from '../lab/exec.ts';
import type { Cost } from './measure.ts';

export interface Contender {
  name: string;
  /** One run, in round 0, 1, …: makes ready what it needs fresh, and gives back what the measured part cost. */
  run(round: number): Promise<Cost>;
}

export interface Standing {
  name: string;
  /** In the order of the rounds. */
  runs: Cost[];
  /** Bytes of what it made, where that is a file or a folder. */
  made?: number;
}

/** Let the contenders take turns for `rounds` rounds. `tell` hears of each run as it ends. */
export async function contest(
  contenders: Contender[],
  rounds: number,
  tell: (line: string) => void,
): Promise<Standing[]> {
  const standings: Standing[] = contenders.map(({ name }) => ({ name, runs: [] }));
  for (let round = 0; round < rounds; round++) {
    for (const [i, contender] of contenders.entries()) {
      // What the run before has left to be written must not slow this one down.
      await must(['sync']);
      const cost = await contender.run(round);
      standings[i]?.runs.push(cost);
      tell(`round ${round + 1} of ${rounds}: ${contender.name}: ${(cost.ms / 1000).toFixed(2)} s`);
    }
  }
  return standings;
}

/** The shortest run, in milliseconds: what else the machine does can only make a run longer. */
export function best({ runs }: Standing): number {
  return Math.min(...runs.map(run => run.ms));
}

/** The largest value of one figure over all runs. */
export function worst({ runs }: Standing, figure: keyof Cost): number {
  return Math.max(...runs.map(run => run[figure]));
}

/** The standing of that name; throws when nobody has it. */
export function standing(standings: Standing[], name: string): Standing {
  const found = standings.find(one => one.name === name);
  if (found === undefined) throw new Error(`there is no contender ${name}`);
  return found;
}
