/** Which command a command line means, before oclif looks at it: what is no command gets a "did you mean". */
import type { Config } from '@oclif/core';
import { AirferryError } from '../errors.ts';
import { closest } from '../support/suggest.ts';

/**
 * The command's name with spaces; undefined for help, a topic, or nothing at all.
 * Throws USAGE for words that lead nowhere. Where oclif would print help and succeed, a script would go on.
 */
export function resolveCommand(
  argv: readonly string[],
  config: Pick<Config, 'commandIDs' | 'topics'>,
): string | undefined {
  const commands = config.commandIDs.map(id => id.replaceAll(':', ' '));
  const topics = config.topics.map(({ name }) => name.replaceAll(':', ' '));
  const firstFlag = argv.findIndex(arg => arg.startsWith('-'));
  const words = firstFlag < 0 ? argv : argv.slice(0, firstFlag);
  const isHelp = (arg: string | undefined): boolean => arg === '--help' || arg === '-h';
  if (words[0] === 'help') return lookup(words.slice(1), commands, topics);
  if (words.length === 0 && firstFlag === 0 && !isHelp(argv[0])) throw flagFirst(argv, commands);
  return lookup(words, commands, topics);
}

function lookup(words: readonly string[], commands: string[], topics: string[]): string | undefined {
  for (let length = words.length; length > 0; length--) {
    const name = words.slice(0, length).join(' ');
    if (commands.includes(name)) return name;
  }
  if (words.length === 0 || topics.includes(words.join(' '))) return undefined;
  throw unknown(words, commands, topics);
}

function unknown(words: readonly string[], commands: string[], topics: string[]): AirferryError {
  const [first = '', second] = words;
  const inTopic = topics.includes(first);
  const typed = inTopic && second !== undefined ? `${first} ${second}` : first;
  const sameEnd = commands.filter(name => name.split(' ').at(-1) === first);
  const candidates = inTopic
    ? commands.filter(name => name.startsWith(`${first} `))
    : [...commands, ...topics];
  const near = closest(words.slice(0, 2).join(' '), candidates) ?? closest(first, inTopic ? [] : topics);
  const meant = sameEnd.length > 0 ? sameEnd : near ? [near] : [];
  const where = inTopic ? ` ${first}` : '';
  return new AirferryError('USAGE', `there is no command ${typed}`, {
    suggestions: [
      ...(meant.length > 0 ? [`Did you mean airferry ${meant.join(', or airferry ')}?`] : []),
      `See \`airferry${where} --help\`.`,
    ],
  });
}

/** `airferry --json image list x`: the flags belong behind the command. */
function flagFirst(argv: readonly string[], commands: string[]): AirferryError {
  const start = argv.findIndex((_, i) => commands.includes(argv.slice(i, i + 2).join(' ')));
  const reordered = start < 0 ? [] : [...argv.slice(start), ...argv.slice(0, start)];
  return new AirferryError('USAGE', `${argv[0]} stands before the command`, {
    suggestions: [
      reordered.length > 0
        ? `Flags follow the command: airferry ${reordered.join(' ')}`
        : 'Flags follow the command. See `airferry --help`.',
    ],
  });
}
