/** Bounded concurrency. */

/**
 * Run `work` over the items, at most `limit` at once, and give back the results in the order of the items.
 * The first failure is thrown once the work under way has settled; nothing new is started after it.
 */
export async function mapLimit<T, R>(
  items: Iterable<T> | AsyncIterable<T>,
  limit: number,
  work: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  const failures: unknown[] = [];
  const iterator = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
  let index = 0;
  const worker = async (): Promise<void> => {
    try {
      while (failures.length === 0) {
        const next = await iterator.next();
        if (next.done) return;
        const mine = index++;
        results[mine] = await work(next.value, mine);
      }
    } catch (error) {
      failures.push(error);
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, limit) }, worker));
  if (failures.length === 0) return results;
  await iterator.return?.();
  throw failures[0];
}
