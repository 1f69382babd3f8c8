/** Questions to the operator: only on a terminal, only without --yes, and never for what the environment says. */
import { AirferryError } from '../errors.ts';
import { Secret } from '../host/secret.ts';

/** Whether there is somebody to ask. Questions go to stderr, since stdout is for the result. */
export function canAsk({ yes }: { yes: boolean }): boolean {
  return !yes && process.stdin.isTTY === true && process.stderr.isTTY === true;
}

/** The ways in which a secret may be given. */
export interface SecretQuestion {
  /** `SSH password` */
  title: string;
  /** The environment variable that answers it. */
  variable: string;
  /** The flag that wants it to be asked. */
  flag: string;
  /** Whether that flag was given. */
  wanted: boolean;
  yes: boolean;
}

/**
 * The secret out of the environment, or asked for where a flag says so; else undefined.
 * Throws CONFIRMATION_NEEDED where a flag says so and nobody is there.
 */
export async function secret(question: SecretQuestion): Promise<Secret | undefined> {
  const { title, variable, flag, wanted } = question;
  const given = process.env[variable];
  if (given) return new Secret(given);
  if (!wanted) return undefined;
  if (!canAsk(question)) {
    throw new AirferryError(
      'CONFIRMATION_NEEDED',
      `${flag} cannot ask for the ${title}: ${whyNot(question)}`,
      {
        suggestions: [`Set ${variable} in the environment instead.`],
      },
    );
  }
  const { answer } = await ask({ type: 'password', name: 'answer', message: `${title}:`, mask: '*' });
  return answer === '' ? undefined : new Secret(answer);
}

/** A line of text. Throws CONFIRMATION_NEEDED, with what to do, when nobody can be asked. */
export async function line(title: string, instead: string): Promise<string> {
  if (!canAsk({ yes: false })) {
    const why = `${title} is not given, and ${whyNot({ yes: false })}`;
    throw new AirferryError('CONFIRMATION_NEEDED', why, { suggestions: [instead] });
  }
  const { answer } = await ask({ type: 'input', name: 'answer', message: `${title}:` });
  return answer;
}

/** An answer to a question that comes up on the way; the caller knows that somebody is there. */
export async function answer(title: string, { secret: hidden }: { secret: boolean }): Promise<string> {
  const question = { name: 'answer', message: title } as const;
  const asked = hidden
    ? await ask({ type: 'password', mask: '*', ...question })
    : await ask({ type: 'input', ...question });
  return asked.answer;
}

/** Throws CONFIRMATION_NEEDED when nobody can be asked, INTERRUPTED when the answer is no. */
export async function confirm(message: string, options: { yes: boolean }): Promise<void> {
  if (options.yes) return;
  if (!canAsk(options)) {
    throw new AirferryError('CONFIRMATION_NEEDED', `this has to be confirmed, and ${whyNot(options)}`, {
      suggestions: ['See with --dry-run what would be done, then give --yes.'],
    });
  }
  const { answer } = await ask({ type: 'confirm', name: 'answer', message, default: false });
  if (!answer) throw new AirferryError('INTERRUPTED', 'not confirmed; nothing was done');
}

function whyNot({ yes }: { yes: boolean }): string {
  return yes ? '--yes says to ask nothing' : 'there is no terminal to ask on';
}

type Question =
  | { type: 'password'; name: 'answer'; message: string; mask: string }
  | { type: 'input'; name: 'answer'; message: string }
  | { type: 'confirm'; name: 'answer'; message: string; default: boolean };

/** inquirer is loaded when there is something to ask, since it takes a while. */
async function ask<Q extends Question>(
  question: Q,
): Promise<{ answer: Q extends { type: 'confirm' } ? boolean : string }> {
  const { default: inquirer } = await import('inquirer');
  const prompt = inquirer.createPromptModule({ output: process.stderr });
  return (await prompt([question as never])) as never;
}
