/** A watch for "this takes no time": unlike the clock, it does not go faster when other work runs beside the tests. */

/** Start the watch; each call of what comes back is the milliseconds of processor time since. */
export function processorTime(): () => number {
  const before = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  };
}
