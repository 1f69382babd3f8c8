/** How scripts answer several questions at once. */

/** `key=value`, line by line; other lines are passed over. */
export function* keyedLines(answer: string): Generator<[key: string, value: string]> {
  for (const line of answer.split('\n')) {
    const equals = line.indexOf('=');
    if (equals > 0) yield [line.slice(0, equals), line.slice(equals + 1)];
  }
}
