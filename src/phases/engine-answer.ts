/** What an engine says of itself, and what its daemon.json says: asked for together, since the one is held against the other. */
import { type EngineAnswer, parseEngineInfo } from '../engine/info.ts';
import { isObject } from '../support/is-object.ts';
import { jsonIn } from '../support/json.ts';
import { DAEMON_JSON } from './daemon-files.ts';
import { keyedLines } from './keyed-lines.ts';

/** As it was told last. */
export interface EngineSaid {
  /** All of `docker info`; undefined where no engine answered. */
  info: Record<string, unknown> | undefined;
  /** Of `info`, what has a meaning of its own here. */
  engine: EngineAnswer | undefined;
  /** Empty where the engine has none. */
  daemonJson: string;
}

/**
 * Shell words that ask, for `dockerScript`: `ask_engine COMMAND…` prints the answer and succeeds, or prints nothing and
 * fails where no engine answers. The words, if any, run docker: `timeout 10`.
 */
export const ASK_ENGINE = `ask_engine() {
  i=$("$@" docker info --format '{{json .}}' 2>/dev/null) || return
  case $i in *'"ServerVersion":"'[!\\"]*) ;; *) return 1;; esac
  printf 'info=%s\\n' "$i"
  printf 'daemon='; { [ ! -f ${DAEMON_JSON} ] || base64 < ${DAEMON_JSON} | tr -d '\\n'; }; echo
}`;

/** What `ask_engine` printed. */
export function parseEngineSaid(stdout: string): EngineSaid {
  const said = new Map(keyedLines(stdout));
  const info = said.get('info') ?? '';
  return {
    info: parsedObject(info),
    engine: parseEngineInfo(info),
    daemonJson: Buffer.from(said.get('daemon') ?? '', 'base64').toString('utf8'),
  };
}

function parsedObject(json: string): Record<string, unknown> | undefined {
  const value = jsonIn(json);
  return isObject(value) ? value : undefined;
}
