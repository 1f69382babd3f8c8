/** What is wrong or doubtful in a daemon.json: one finding for each thing that an operator has to look at. */

export interface Finding {
  /** `error`: dockerd would not start, or not do what is meant. `warn`: it would, but look at it. */
  severity: 'error' | 'warn';
  /** The path of the key: `log-opts/max-file`. */
  key: string;
  message: string;
  suggestion?: string;
  line?: number;
  column?: number;
}

export function errorFinding(key: string, message: string, suggestion?: string): Finding {
  return { severity: 'error', key, message, ...(suggestion === undefined ? {} : { suggestion }) };
}

export function warnFinding(key: string, message: string, suggestion?: string): Finding {
  return { ...errorFinding(key, message, suggestion), severity: 'warn' };
}
