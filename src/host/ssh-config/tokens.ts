/** The tokens of ssh_config(5), TOKENS: `%h` and its like, and `~` for the home folder. */

/** What stands behind each letter. */
export type Tokens = Readonly<Partial<Record<string, string>>>;

/** The text with its tokens replaced, `%%` by a percent sign; undefined for one that is not known. */
export function expandTokens(text: string, tokens: Tokens): string | undefined {
  let known = true;
  const expanded = text.replace(/%(.?)/gs, (whole, letter: string) => {
    if (letter === '%') return '%';
    const value = Object.hasOwn(tokens, letter) ? tokens[letter] : undefined;
    if (value === undefined) known = false;
    return value ?? whole;
  });
  return known ? expanded : undefined;
}

/** A path with its tokens, `~/` and `${NAME}` replaced; undefined for what is not known. */
export function expandPath(
  text: string,
  { tokens, home, environment }: { tokens: Tokens; home: string; environment: NodeJS.ProcessEnv },
): string | undefined {
  let known = true;
  const told = text.replace(/\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g, (_, name: string) => {
    const value = environment[name];
    if (value === undefined) known = false;
    return (value ?? '').replaceAll('%', '%%');
  });
  const expanded = known ? expandTokens(told, tokens) : undefined;
  if (expanded === undefined) return undefined;
  return expanded === '~' || expanded.startsWith('~/') ? home + expanded.slice(1) : expanded;
}
