/** keyboard-interactive: the questions that a host asks during the login, and who answers them. RFC 4256. */
import type { KeyboardInteractiveAuthMethod } from 'ssh2';
import type { Secret } from './secret.ts';

/** A question of a host to the operator. */
export interface Question {
  host: string;
  /** As the host words it, with what it says around it. */
  text: string;
  /** Whether the answer is to be hidden. */
  secret: boolean;
}

/** Asks the operator; undefined where nobody is there to answer. */
export type Ask = (question: Question) => Promise<string | undefined>;

type Prompt = KeyboardInteractiveAuthMethod['prompt'];

/** Characters of what a host says: it may be anybody by then. */
const MAX_TEXT = 500;
const PASSWORD = /pass(?:word|phrase)?|passwor[dt]|kennwort|mot de passe|contraseña|пароль/i;

/**
 * Answers for one login. The password is given once, to the first question for one that is not shown on the screen; a
 * second time it would be wrong again. All else is for the operator, or stays without an answer.
 */
export function answering({
  host,
  password,
  ask,
}: {
  host: string;
  password?: Secret | undefined;
  ask?: Ask | undefined;
}): Prompt {
  let given = false;
  return (name, instructions, _language, prompts, answer) => {
    const round = async (): Promise<string[]> => {
      const answers: string[] = [];
      for (const { prompt, echo } of prompts) {
        const forPassword = !echo && (PASSWORD.test(prompt) || prompts.length === 1 || !ask);
        if (password && !given && forPassword && (!ask || PASSWORD.test(prompt))) {
          given = true;
          answers.push(password.reveal());
        } else {
          const text = [name, instructions, prompt].map(printable).filter(Boolean).join(' ');
          answers.push((await ask?.({ host, text, secret: !echo })) ?? '');
        }
      }
      return answers;
    };
    round().then(answer, () => answer(prompts.map(() => '')));
  };
}

/** Without what could move a terminal's cursor. */
function printable(text: string): string {
  return text
    .slice(0, MAX_TEXT)
    .replace(/\p{C}+/gu, ' ')
    .trim();
}
